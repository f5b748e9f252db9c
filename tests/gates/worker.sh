#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What runs plugins links to next to nothing: neither curl nor nng nor anything that they drag along.
# Usage: worker.sh BUILD_DIR
set -euo pipefail
worker=$1/libexec/rollcall/rollcall-worker
[ -x "$worker" ] || { echo "worker: no $worker"; exit 1; }
failures=0
fail() { echo "worker: $*"; failures=$((failures + 1)); }

sanitizers='libasan\.so.*|libubsan\.so.*|libtsan\.so.*|libstdc\+\+\.so.*|libm\.so\.6|libgcc_s\.so\.1|libdl\.so\.2|libpthread\.so\.0|librt\.so\.1'
allowed="libseccomp\.so\.2|libcjson\.so\.1|libc\.so\.6|ld-linux.*|linux-vdso.*"
readelf -d "$worker" | grep -qE 'libasan|libubsan|libtsan' && allowed="$allowed|$sanitizers"
# readelf says what it asks for, ldd what comes along with that.
count=0
for library in $(readelf -d "$worker" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p') \
    $(ldd "$worker" | awk '{ print $1 }' | sed 's|.*/||'); do
    [[ $library =~ ^($allowed)$ ]] || fail "links $library"
    count=$((count + 1))
done
[ "$count" -ge 6 ] || fail "found only $count libraries: is this the right file?"

# Functions of the daemon's own floors that found their way in.
strangers=$(nm --defined-only "$worker" | awk '{ print $3 }' |
    grep -E '^(future|loop|pool|fetch|procs|crew|registry|conf|query|server)_' || true)
[ -z "$strangers" ] || fail "holds what is the daemon's: $strangers"

[ "$failures" -eq 0 ] || exit 1
echo "worker: $count libraries, all allowed"
