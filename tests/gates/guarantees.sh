#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The table of the executor's guarantees names tests that exist, and leaves out none; the example in the
# executor's README is the one that is compiled and run. Usage: guarantees.sh SOURCE_DIR
set -euo pipefail
cd "$1"
page=tests/unit/exec/GUARANTEES.md
failures=0
fail() { echo "guarantees: $*"; failures=$((failures + 1)); }

# Every test that is named exists: `file:test` is tests/unit/exec/file.c, `folder/file:test` another folder's.
named=$(grep -oE '`([a-z_]+/)?[a-z_]+:[a-z_]+`' "$page" | tr -d '`' | sort -u)
count=0
for name in $named; do
    file=${name%%:*}
    [[ $file == */* ]] || file=exec/$file
    count=$((count + 1))
    grep -qE "^${name##*:}\(" "tests/unit/$file.c" 2>/dev/null || fail "$page names $name, which does not exist"
done
[ "$count" -gt 50 ] || fail "found only $count tests in $page"

# Every row is proved, or declined with a reason.
rows=0
while IFS= read -r row; do
    rows=$((rows + 1))
    grep -qE '`([a-z_]+/)?[a-z_]+:[a-z_]+`|\*declined\*[^|]{20,}' <<<"$row" || fail "neither proved nor declined: $row"
done < <(grep -E '^\| ' "$page" | grep -vE '^\| (guarantee|---) ')
[ "$rows" -gt 50 ] || fail "found only $rows rows in $page"

# Every test of these files stands in the page.
for file in test_future test_completion test_job test_pool test_pool_idle test_pool_map test_pool_stop; do
    while read -r test; do
        grep -qx "$file:$test" <<<"$named" || fail "$file:$test stands nowhere in $page"
    done < <(grep -oE '^[a-z_]+\(void \*\*state\)' "tests/unit/exec/$file.c" | sed 's/(.*//' |
        grep -vxE 'set_up|tear_down|reset')
done

# What the README shows is what test_example.c compiles.
between() { sed -n "/$1/,/$2/p" "$3" | sed '1d;$d'; }
shown=$(between '^```c$' '^```$' daemon/exec/README.md)
run=$(between '\[example\]' '\[\/example\]' tests/unit/exec/test_example.c)
[ "$(wc -l <<<"$run")" -gt 20 ] || fail "found no example in test_example.c"
[ "$shown" = "$run" ] || {
    diff <(echo "$run") <(echo "$shown") || true
    fail "the example of daemon/exec/README.md is not that of test_example.c"
}

[ "$failures" -eq 0 ] || exit 1
echo "guarantees: $rows rows, $count tests, one example"
