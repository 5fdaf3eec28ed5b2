#!/usr/bin/env bash
# Checks that the files of packaging/ are valid for their readers and name only what exists.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

unit=packaging/meterbridge.service
hub=packaging/meterbridge-hub.service
desktop=packaging/meterbridge.desktop
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
failed=0
complain() {
    echo "$1"
    failed=1
}

# Variables in these files must exist: `tests/checks/documents.sh` does the same for documents.
for variable in $(grep --only-matching --no-filename 'METERBRIDGE_[A-Z_]*[A-Z]' "$unit" "$hub" "$desktop" | sort -u); do
    grep --quiet --recursive --fixed-strings --include='*.rs' "\"$variable\"" src ||
        complain "packaging names $variable, which nothing reads"
done

if command -v systemd-analyze >/dev/null; then
    # systemd-analyze requires the program at the unit's path.
    mkdir -p "$home/.local/bin"
    printf '#!/bin/sh\n' >"$home/.local/bin/meterbridge"
    chmod +x "$home/.local/bin/meterbridge"
    cp "$unit" "$home/"
    sed -i "s|%h|$home|" "$home/meterbridge.service"
    words=$(XDG_RUNTIME_DIR="$home" systemd-analyze verify --user --man=no "$home/meterbridge.service" 2>&1) || failed=1
    # Messages about other units of the machine are ignored.
    words=$(grep --fixed-strings meterbridge <<<"$words" || true)
    [[ -z $words ]] || complain "$words"

    sed "s|/usr/local/bin|$home/.local/bin|" "$hub" >"$home/meterbridge-hub.service"
    words=$(systemd-analyze verify --man=no "$home/meterbridge-hub.service" 2>&1) || failed=1
    words=$(grep --fixed-strings meterbridge <<<"$words" || true)
    [[ -z $words ]] || complain "$words"
else
    echo "systemd-analyze is not installed: only the keys of the units are looked at"
fi
for key in Type=notify Restart=always WatchdogSec= ExecStart=%h/.local/bin/meterbridge WantedBy=; do
    grep --quiet "^$key" "$unit" || complain "$unit lacks $key"
done
for key in Type=exec Restart=always StateDirectory= 'ExecStart=/usr/local/bin/meterbridge serve' WantedBy=; do
    grep --quiet "^$key" "$hub" || complain "$hub lacks $key"
done

if command -v desktop-file-validate >/dev/null; then
    # It exits with 0 after a hint, too.
    words=$(desktop-file-validate "$desktop" 2>&1) || failed=1
    [[ -z $words ]] || complain "$words"
elif [[ -n ${CI:-} ]]; then
    complain "desktop-file-validate is not installed, and CI must run it: apt-get install desktop-file-utils"
else
    echo "desktop-file-validate is not installed, so $desktop was NOT validated: apt-get install desktop-file-utils"
fi
# Valid lines are groups, entries, comments and empty lines; some keys are required for the entry to
# appear.
if grep --line-number --invert-match --extended-regexp \
    '^(#.*|\[[A-Z][A-Za-z ]*( [a-z]+)?\]|[A-Z][A-Za-z-]*=.*|)$' "$desktop"; then
    complain "$desktop has lines that are no entries"
fi
for key in Type=Application Name= Exec=meterbridge Icon=meterbridge; do
    grep --quiet "^$key" "$desktop" || complain "$desktop lacks $key"
done
for action in $(sed -n 's/^Actions=//p' "$desktop" | tr ';' ' '); do
    grep --quiet --line-regexp --fixed-strings "[Desktop Action $action]" "$desktop" ||
        complain "$desktop lacks its action $action"
done
[[ -e web/icon.svg ]] || complain "web/icon.svg, the icon that docs/wall.md installs, is not there"
exit "$failed"
