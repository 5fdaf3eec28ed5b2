#!/usr/bin/env bash
# Checks that only `app` uses Bevy and egui. The compiler checks this for builds of the core; this check
# is faster, and also covers code that a `cfg` hides from the compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

status=0
grep --recursive --line-number --extended-regexp --include='*.rs' --exclude-dir=app \
    --exclude=main.rs -e '\buse (bevy|egui)|\b(bevy|egui)(_[a-z_]+)?::' -- src || status=$?
# Exit status of grep: 0 found, 1 nothing found, 2 error.
if ((status != 1)); then
    echo "this belongs in src/app"
    exit 1
fi
