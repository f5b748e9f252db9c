#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The arrows between the floors: a file includes its own folder and lower floors; never up, never
# sideways. Clients and plugins see <rollcall/...> only. Each foreign library enters through one file.
# Usage: includes.sh SOURCE_DIR
set -euo pipefail
cd "$1"
failures=0
fail() { echo "includes: $*"; failures=$((failures + 1)); }

# What each folder of daemon/ may include, itself first.
declare -A below=(
    [base]="base"
    [conf]="conf base"
    [exec]="exec base"
    [plugin]="plugin exec conf base"
    [worker]="worker plugin base"
    [query]="query plugin exec conf base"
    [serve]="serve query plugin exec conf base"
    [app]="app serve query plugin exec conf base"
)
checked=0
while IFS=: read -r file line; do
    folder=$(cut -d/ -f2 <<<"$file")
    target=$(sed -E 's/.*"daemon\/([a-z]+)\/.*/\1/' <<<"$line")
    checked=$((checked + 1))
    [[ " ${below[$folder]-none} " == *" $target "* ]] || fail "$file looks up or sideways: $line"
    if [[ $line == *_int.h\" && $folder != "$target" ]]; then
        fail "$file includes the inside of another folder: $line"
    fi
done < <(grep -rHE '^#include "daemon/[a-z]+/' daemon --include='*.[ch]' | grep -v '^daemon/main.c:' |
         sed -E 's/^([^:]*):/\1:/')
[ "$checked" -gt 50 ] || fail "found only $checked includes: is this the right folder?"

# The daemon's own part of plugin/ is not for workers, nor for the part that both share.
shared='manifest|loader|host|call'
grep -rHE '^#include "daemon/(plugin/(registry|crew)|exec|conf)' daemon/worker daemon/plugin --include='*.[ch]' |
    grep -E "^daemon/(worker/|plugin/($shared)[a-z_]*\.[ch])" && fail "the shared part of plugin/ sees the daemon's"

grep -rnE '#include "\.\.?/' daemon client plugins tests include --include='*.[ch]' && fail "a relative include"
grep -rHE '^#include "(daemon|tests)/' client plugins include --include='*.[ch]' && fail "outside sees the inside"

# library: the header it enters by, and the files it may enter through.
foreign() {
    local header=$1 allowed=$2
    while read -r file; do
        [[ $file =~ ^($allowed)$ ]] || fail "$file includes <$header>: only ($allowed) may"
    done < <(grep -rlE "^#include <$header" daemon client plugins include --include='*.[ch]')
}
foreign 'curl/' 'daemon/exec/fetch[a-z_]*\.[ch]'
foreign 'zlib\.h' 'daemon/exec/fetch_gzip\.c'
foreign 'ares' 'daemon/exec/resolve_ares\.c'
foreign 'nng/' 'daemon/serve/(server|endpoint|probe)[a-z_]*\.[ch]|client/conn\.c'
foreign 'cjson/' 'daemon/base/json\.c|client/json\.c|plugins/sites/node\.c'
foreign 'pcre2' 'plugins/sites/pattern\.c'
foreign 'dlfcn.h' 'daemon/plugin/loader\.c'
foreign 'libconfig.h' 'daemon/conf/conf_tree\.[ch]|daemon/conf/conf\.c|daemon/conf/conf_int\.h'
foreign 'idn2.h' 'daemon/query/subject\.c'
foreign 'uni(str|norm|case|ctype|types)\.h' 'daemon/query/subject\.c'
foreign 'openssl/' 'daemon/query/(request|digest)[a-z_]*\.c|daemon/exec/fetch[a-z_]*\.[ch]'
foreign 'systemd/' 'daemon/app/notify\.c'
foreign 'seccomp' 'daemon/worker/sandbox\.c'
foreign 'sqlite3' 'daemon/query/store\.c'

[ "$failures" -eq 0 ] || exit 1
echo "includes: $checked arrows, all point down"
