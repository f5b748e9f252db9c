#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Rollcall in one command: build it, start it, ask it, stop it. See usage() below.
set -euo pipefail
cd "$(dirname "$0")/.."

subject=alice@example.com
deadline_s=20 # for a program to be ready
close_ms=50   # how soon after the answer the losers must be cut off

usage() {
    cat <<'EOT'
usage: client/try.sh [--real] [SUBJECT]
Builds Rollcall (Debian 12; installs what is missing with apt-get, as root or through sudo), starts a
private rollcalld on a socket in a temporary folder, asks it about SUBJECT, and stops it again.
Without --real the platforms are played by a program on this machine: facebook answers yes after 5 s,
github yes after 1 s, twitter no after 3 s, and they know alice@example.com, the default SUBJECT.
With --real the real platforms are asked, as the default configuration allows.
EOT
}

fail() {
    echo "try.sh: $*" >&2
    exit 1
}

real=no
given=no
for word in "$@"; do
    case $word in
    -h | --help) usage; exit 0 ;;
    --real) real=yes ;;
    -*) echo "try.sh: found $word; allowed are --real, --help and a SUBJECT" >&2; exit 64 ;;
    *) [ $given = no ] || { echo "try.sh: $word is one too many" >&2; exit 64; }
       given=yes subject=$word ;;
    esac
done

. tests/deps.sh
install_build_deps

build=build/release
folder=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-try.XXXXXX")
pids=()
stop() { # what was started, last first; each is waited for, so nothing is left behind
    local i
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill "${pids[i]}" 2>/dev/null || true
        wait "${pids[i]}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

quietly() { # COMMAND…: its output only when it fails
    "$@" >"$folder/log" 2>&1 || { tail -n 40 "$folder/log"; fail "failed: $*"; }
}

echo "== building into $build"
quietly cmake --preset release
quietly cmake --build "$build" --target rollcall rollcalld rollcall-world \
    plugin_facebook plugin_github plugin_twitter

start_world() { # sets http to where it listens
    local ready
    exec 3< <(exec "$build/bin/rollcall-world" --script tests/world/seed.json --log "$folder/world.log")
    pids+=($!)
    read -r -t "$deadline_s" ready <&3 || fail "the world did not start"
    http=$(sed -E 's/.*"http":"([^"]*)".*/\1/' <<<"$ready")
    echo "== the world plays the platforms at $http"
}

write_config() {
    local name
    echo "listen = [ \"$url\" ];"
    echo "plugin_dirs = [ \"$PWD/$build/plugins\" ];"
    echo "state_dir = \"$folder\";"
    echo "log_level = \"warning\";"
    [ $real = no ] || return 0
    echo 'methods = [ "documented", "signup", "recovery" ];'
    echo 'allow_addresses = [ "127.0.0.0/8" ];'
    echo "plugin = {"
    for name in facebook github twitter; do
        echo "  $name = { base_url = \"$http/$name\"; rate = 0; };"
    done
    echo "};"
}

start_daemon() {
    write_config >"$folder/rollcalld.conf"
    "$build/bin/rollcalld" --config "$folder/rollcalld.conf" &
    local pid=$! tries=$deadline_s
    pids+=("$pid")
    until "$build/bin/rollcall" status --url "$url" --wait 1 >/dev/null 2>&1; do
        if ! kill -0 "$pid" 2>/dev/null || ((--tries == 0)); then
            fail "rollcalld did not start"
        fi
    done
    echo "== rollcalld answers at $url"
}

# When each loser's connection was closed, counted from the reply that decided: the answer itself is a
# moment later. Exit status 1 when one came late or never.
show_closing() {
    sed -nE 's/.*"t_us":([0-9]+).*"event":"(reply|aborted)".*"platform":"([^"]*)".*/\1 \2 \3/p' \
        "$folder/world.log" | awk -v limit_ms="$close_ms" '
        $2 == "reply" && $3 == "github" { won = $1 }
        $2 == "aborted" { closed[$3] = $1 }
        END {
            split("facebook twitter", losers)
            for (i = 1; i in losers; i++) {
                ms = (closed[losers[i]] - won) / 1000
                if (losers[i] in closed && ms <= limit_ms) {
                    printf "%s: connection closed %.1f ms after the reply that decided\n", losers[i], ms
                } else {
                    printf "%s: connection not closed within %d ms\n", losers[i], limit_ms
                    late = 1
                }
            }
            exit late
        }'
}

url=ipc://$folder/rollcall.sock
[ $real = yes ] || start_world
start_daemon

echo "== rollcall check $subject --timeline"
status=0
"$build/bin/rollcall" check "$subject" --timeline --url "$url" || status=$?
[ $status -le 2 ] || fail "rollcall ended with $status"
if [ $real = no ] && [ $given = no ]; then
    [ $status -eq 0 ] || fail "wanted: registered"
    echo "== the world's log"
    show_closing || fail "a platform was not cut off in time"
fi
