#!/usr/bin/env bash
# Checks for unfinished work: no placeholders, no TODO or FIXME notes, no ignored tests.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

directories=()
for directory in src tests benches fuzz web; do
    if [[ -d $directory ]]; then directories+=("$directory"); fi
done

leftover='\b(todo|unimplemented)!|#\[(cfg_attr\(.*)?ignore\b|\b(TODO|FIXME)\b'
status=0
grep --recursive --line-number --extended-regexp \
    --include='*.rs' --include='*.wgsl' --include='*.js' --include='*.mjs' --include='*.html' \
    --include='*.css' --exclude-dir=node_modules --exclude-dir=target --exclude-dir=dist \
    -e "$leftover" -- "${directories[@]}" || status=$?
# Exit status of grep: 0 found, 1 nothing found, 2 error.
if ((status != 1)); then
    echo "finish these or take them out"
    exit 1
fi
