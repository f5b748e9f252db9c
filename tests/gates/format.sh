#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every C file stands as .clang-format says. Usage: format.sh SOURCE_DIR
set -euo pipefail
cd "$1"
files=$(find daemon client plugins include tests -name '*.[ch]')
[ -n "$files" ] || { echo "format: found no files"; exit 1; }
# shellcheck disable=SC2086
clang-format-14 --dry-run --Werror $files
echo "format: $(wc -w <<<"$files") files"
