#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The unit as it is installed: systemd finds nothing to complain about, and rates it well enough.
# Usage: test_unit.sh BUILD_DIR
set -euo pipefail
build=$1
limit=15 # of 100: "1.5" as systemd-analyze prints it
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root cmake --install "$build" >"$root/install.log"
unit=$(find "$root" -name rollcalld.service)
[ -n "$unit" ] || { echo "no unit was installed"; exit 1; }

# verify wants the program where the unit says it is: here that is below the temporary root.
program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
[ -x "$root$program" ] || { echo "$program was not installed"; exit 1; }
sed "s|^ExecStart=|ExecStart=$root|" "$unit" >"$root/rollcalld.service"
complaints=$(systemd-analyze verify "$root/rollcalld.service" 2>&1) || {
    echo "$complaints"
    exit 1
}
[ -z "$complaints" ] || { echo "$complaints"; exit 1; }

systemd-analyze security --no-pager --offline=true --threshold=$limit "$root/rollcalld.service" |
    tail -n 1

# What the unit refers to is there, and the program accepts the example.
for file in lib/sysusers.d/rollcall.conf lib/tmpfiles.d/rollcall.conf; do
    find "$root" -path "*/$file" | grep -q . || { echo "$file was not installed"; exit 1; }
done
conf=$(find "$root" -name rollcalld.conf)
catalog=$(sed -n 's/.*catalogs = \[ "\(.*\)" \].*/\1/p' "$conf")
[ -f "$root$catalog" ] || { echo "the example names '$catalog', which was not installed"; exit 1; }
plugins=$(dirname "$(find "$root" -name github.so)")
"$root$program" --config "$conf" -o "plugin_dirs=[\"$plugins\"]" --check-config
systemd-sysusers --root="$root" --dry-run "$(find "$root" -path '*/sysusers.d/rollcall.conf')" >/dev/null
