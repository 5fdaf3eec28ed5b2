#!/usr/bin/env bash
# Checks that every relative link in a document leads to an existing file and an existing heading.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

git ls-files -z --cached --others --exclude-standard '*.md' | node tests/checks/links.mjs
