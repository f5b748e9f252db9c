#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Small things that are easy to let slip. Usage: hygiene.sh SOURCE_DIR
set -euo pipefail
cd "$1"
failures=0
none() { # MESSAGE grep-arguments…: fails when grep finds something
    local message=$1
    shift
    if grep -rnE "$@"; then
        echo "hygiene: $message"
        failures=$((failures + 1))
    fi
}
source=(daemon client plugins include tests systemd --include='*.[ch]')
none "unfinished work" '\b(TODO|FIXME|XXX|HACK)\b' "${source[@]}"
none "forbidden calls (STYLE: bounded, checked, no VLA)" \
    '[^a-z_](strcpy|strcat|sprintf|strtok|atoi|atol|alloca|gets)\(' daemon client plugins include --include='*.[ch]'
none "sleeping tests" '[^a-z_](sleep|usleep|nanosleep)\(' tests/unit tests/plugin tests/client --include='*.[ch]'
none "atomics outside base/ and exec/" '(stdatomic\.h|_Atomic|atomic_)' daemon/conf daemon/plugin daemon/query \
    --include='*.[ch]'
none "assertions switched off" '(-D|define )NDEBUG' daemon client plugins include tests CMakeLists.txt --include='*.[ch]' \
    --include=CMakeLists.txt
while read -r file; do
    head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' && continue
    echo "hygiene: $file has no SPDX line"
    failures=$((failures + 1))
done < <(find daemon client plugins include tests -name '*.[ch]')
while read -r lines file; do
    [ "$file" = total ] || [ "$lines" -le 500 ] && continue
    echo "hygiene: $file has $lines lines: split it by reason to change"
    failures=$((failures + 1))
done < <(find daemon client plugins -name '*.[ch]' -print0 | xargs -0 wc -l)
[ "$failures" -eq 0 ] || exit 1
echo "hygiene: clean"
