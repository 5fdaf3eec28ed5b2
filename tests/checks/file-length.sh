#!/usr/bin/env bash
# Checks the length of source files: one over 600 lines holds more than one concept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

limit=600
failed=0
while IFS= read -r -d '' file; do
    lines=$(wc -l <"$file")
    if ((lines > limit)); then
        echo "$file has $lines lines, the limit is $limit: split it"
        failed=1
    fi
done < <(find src -type f -print0)
exit "$failed"
