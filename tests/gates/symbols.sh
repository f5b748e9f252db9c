#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is exported and what is linked: a plugin exports its one entry and links to nothing of ours, the
# library exports rollcall_* only, the daemon exports nothing. Usage: symbols.sh BUILD_DIR
set -euo pipefail
cd "$1"
failures=0
fail() { echo "symbols: $*"; failures=$((failures + 1)); }
exported() { nm -D --defined-only "$1" | awk '{ print $NF }' | sort; }
needed() { readelf -d "$1" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p'; }
only() { # FILE PATTERN: every library that FILE links matches
    local library
    for library in $(needed "$1"); do
        [[ $library =~ ^($2)$ ]] || fail "$1 links $library, wants only $2"
    done
}

sanitizers='libasan.*|libubsan.*|libtsan.*'
libc="libc\.so\.6|ld-linux.*|$sanitizers"
count=0
for plugin in plugins/*.so; do
    [ "$(exported "$plugin" | grep -v '^__' || true)" = rollcall_plugin_entry ] ||
        fail "$plugin exports: $(exported "$plugin" | tr '\n' ' ')"
    [ "$plugin" = plugins/sites.so ] && own='libpcre2-8\.so\.0|libcjson\.so\.1|' || own=
    only "$plugin" "$own$libc"
    if nm -D --undefined-only "$plugin" | grep -E ' (rollcall|future|loop|call|json)_'; then
        fail "$plugin wants symbols of ours"
    fi
    count=$((count + 1))
done
[ "$count" -ge 3 ] || fail "found only $count plugins"

library=$(find client -name 'librollcall.so.*.*' -type f | head -n 1)
[ -n "$library" ] || fail "no librollcall"
strangers=$(exported "$library" | grep -vE '^(rollcall_|__|_init|_fini|_edata|_end)' || true)
[ -z "$strangers" ] || fail "librollcall exports $strangers"
only "$library" "libnng\.so\.1|libcjson\.so\.1|$libc"

strangers=$(exported bin/rollcalld | grep -vE '^(_|stdin|stdout|stderr|environ|optarg|optind|opterr|optopt|data_start|in6addr)' || true)
[ -z "$strangers" ] || fail "rollcalld exports $strangers"
only bin/rollcalld "libnng\.so\.1|libcjson\.so\.1|libcurl\.so\.4|libcares\.so\.2|libz\.so\.1|libconfig\.so\.9|libidn2\.so\.0|libunistring\.so\.2|libcrypto\.so\.3|libssl\.so\.3|libsystemd\.so\.0|libm\.so\.6|$libc"

[ "$failures" -eq 0 ] || exit 1
echo "symbols: $count plugins, librollcall and rollcalld are clean"
