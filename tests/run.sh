#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Build and pass all tests: plain, under AddressSanitizer and UBSan, under ThreadSanitizer, and what
# meets plugins and the socket in the release build too. Installs what it needs.
# Usage: tests/run.sh [preset…]
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    cat <<'EOT'
usage: tests/run.sh [PRESET…]
Installs what the build needs (Debian 12; root or sudo), builds each preset and runs its tests.
Presets: debug, asan, tsan, clang, release. Without one: all of them.
EOT
}

for word in "$@"; do
    case $word in
    -h | --help) usage; exit 0 ;;
    debug | asan | tsan | clang | release) ;;
    *) echo "tests/run.sh: '$word' is not a preset: debug, asan, tsan, clang, release" >&2; exit 64 ;;
    esac
done
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(debug clang asan tsan release)

. tests/deps.sh
install_build_deps
install_test_deps

# Which tests a preset runs: all but the longest in debug; the gates need no second build; clang only
# compiles, for its thread-safety analysis.
label_args() {
    case $1 in
    debug) echo "-E ^system.hostile$" ;; # the other three run it
    asan | tsan) echo "-LE gate" ;;
    release) echo "-L system|plugin" ;;
    esac
}

quietly() { # LOG COMMAND…: print the log only when the command fails
    local log=$1
    shift
    "$@" >"$log" 2>&1 || { tail -n 60 "$log"; echo "tests/run.sh: failed: $*"; exit 1; }
}

passed=0
failed=0
mkdir -p build
for preset in "${presets[@]}"; do
    echo "== $preset: build ($SECONDS s)"
    quietly "build/$preset-configure.log" cmake --preset "$preset"
    quietly "build/$preset-build.log" cmake --build "build/$preset" -- -k 0
    [ "$preset" = clang ] && continue
    echo "== $preset: test ($SECONDS s)"
    # Two for each processor: most of the time they wait.
    # shellcheck disable=SC2046
    ctest --test-dir "build/$preset" -j "$((2 * $(nproc)))" --output-on-failure --no-tests=error \
        $(label_args "$preset") 2>&1 | tee "build/$preset-test.log" || true
    total=$(sed -nE 's/.*tests failed out of ([0-9]+)/\1/p' "build/$preset-test.log")
    bad=$(sed -nE 's/.*% tests passed, ([0-9]+) tests failed.*/\1/p' "build/$preset-test.log")
    [ -n "$total" ] && [ -n "$bad" ] || { echo "tests/run.sh: $preset: ctest gave no count"; exit 1; }
    passed=$((passed + total - bad))
    failed=$((failed + bad))
done
echo "== done in $SECONDS s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
