#!/usr/bin/env bash
# Every relative link of a document leads to a file that is there, and to a heading that is there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

git ls-files -z --cached --others --exclude-standard '*.md' | node tests/checks/links.mjs
