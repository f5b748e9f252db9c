#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Futures are the spine, not an ornament: an exported function of exec/ that nothing calls but unit
# tests fails here. A benchmark against a peer is a caller, and so is the function's own file.
# Usage: unused.sh SOURCE_DIR BUILD_DIR
set -euo pipefail
source=$1
cd "$2"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
find daemon/CMakeFiles/exec.dir -name '*.o' -print0 | xargs -0 nm --defined-only |
    awk '$2 == "T" { print $3 }' | sort -u >"$work/defined"
# Each object's wants; an object never lists what it defines itself.
find daemon tests/bench -name '*.o' -print0 | xargs -0 nm --undefined-only |
    awk '$1 == "U" { print $2 }' | sort -u >"$work/wanted"
[ "$(wc -l <"$work/defined")" -gt 20 ] || { echo "unused: found no functions in exec/"; exit 1; }
# Definitions stand at the start of a line, calls do not.
unused=$(comm -23 "$work/defined" "$work/wanted" | while read -r name; do
    grep -qE "[^a-z_]$name\(" "$source"/daemon/exec/*.c || echo "$name"
done)
if [ -n "$unused" ]; then
    echo "unused: exported by exec/ and called by nothing but unit tests:"
    echo "$unused"
    exit 1
fi
echo "unused: $(wc -l <"$work/defined") functions of exec/, all called"
