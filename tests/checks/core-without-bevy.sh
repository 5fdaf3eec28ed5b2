#!/usr/bin/env bash
# Only `app` knows Bevy and egui. The core builds without them, which the compiler checks; this
# says it at once, and also where a `cfg` would hide it from the compiler.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

status=0
grep --recursive --line-number --extended-regexp --include='*.rs' --exclude-dir=app \
    --exclude=main.rs -e '\buse (bevy|egui)|\b(bevy|egui)(_[a-z_]+)?::' -- src || status=$?
# grep: 0 found, 1 found nothing, 2 could not look.
if ((status != 1)); then
    echo "this belongs in src/app"
    exit 1
fi
