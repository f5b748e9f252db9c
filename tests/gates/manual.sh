#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The manual says what the programs say: every key of the configuration's table with its default, every
# option that the command line's help prints; and the pages are sound. Usage: manual.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
cd "$1"
build=$2
failures=0
fail() { echo "manual: $*"; failures=$((failures + 1)); }

conf=daemon/man/rollcalld.conf.5
entry() { # KEY HEADING: what the page says of a key of that section
    awk -v key="$1" -v heading="$2" '
        /^\.Sh / { inside = ($0 == ".Sh " heading) }
        /^\.(It|El)/ { here = 0 }
        inside && $0 == ".It Va " key { here = 1; next }
        here { print }' "$conf"
}

keys=0
check_table() { # MACRO HEADING: each row of that table has an entry that names its default
    local key default said
    while IFS=$'\t' read -r key default; do
        keys=$((keys + 1))
        said=$(entry "$key" "$2")
        if [ -z "$said" ]; then
            fail "$conf: $2 lacks the key $key"
        elif [ -n "$default" ] && ! grep -qwF -- "$default" <<<"$said"; then
            fail "$conf: the entry of $key does not name its default, $default"
        fi
    done < <(sed -n "/^#define $1(X)/,/[^\\\\]\$/p" daemon/conf/conf_keys.h | tr -d '\n\134' | tr -s ' ' |
        grep -oE 'X\([a-z_]+, [A-Z]+, ((LIST_)?AT\([^)]*\), )?("[^"]*"|NULL)' |
        sed -E 's/^X\(([a-z_]+), .*("[^"]*"|NULL)$/\1\t\2/; s/\t(NULL|"\[.*|"\]?)$/\t/; s/"//g')
}
check_table CONF_KEYS KEYS
check_table CONF_PLUGIN_KEYS 'PLUGIN KEYS'
[ "$keys" -ge 20 ] || fail "found only $keys keys in conf_keys.h: is the table still what this gate reads?"

options=0
check_options() { # PROGRAM PAGE: each option that the program's help lists has an entry
    local option
    while read -r option; do
        options=$((options + 1))
        grep -qE "^\.It Fl ${option#-}( |$)" "$2" || fail "$2 lacks $option"
    done < <("$build/bin/$1" --help | grep -oE '^  --?[a-z][a-z-]*' | tr -d ' ')
}
check_options rollcall client/man/rollcall.1
check_options rollcalld daemon/man/rollcalld.8
[ "$options" -ge 20 ] || fail "found only $options options in the programs' help"

verbs=0
while read -r verb; do
    verbs=$((verbs + 1))
    grep -qE "^\.It Cm $verb\$" client/man/rollcall.1 || fail "rollcall.1 lacks the verb $verb"
done < <("$build/bin/rollcall" --help | sed -n '/^  check /,/^$/p' | awk 'NF { print $1 }')
[ "$verbs" -ge 6 ] || fail "found only $verbs verbs in rollcall --help"

# Whether other pages are installed depends on the machine, not on ours.
for page in client/man/rollcall.1 daemon/man/rollcalld.8 "$conf"; do
    if mandoc -Tlint "$page" 2>&1 | grep -vE 'referenced manual not found|mandoc.db'; then
        fail "$page is not sound"
    fi
done

[ "$failures" -eq 0 ] || exit 1
echo "manual: $keys keys, $options options and $verbs verbs, all said"
