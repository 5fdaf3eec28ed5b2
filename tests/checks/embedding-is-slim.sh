#!/usr/bin/env bash
# Checks that an embedding app compiles no command line, no HTTP server and no SQLite, and that the core
# compiles no engine and no client of NATS. `tests/run` builds both.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

status=0
# Fails if the dependency tree of these features contains one of these crates.
without() { # features, crates as an extended regular expression
    local tree found
    tree=$(cargo tree --locked --edges normal --prefix none --no-default-features --features "$1")
    found=$(grep --extended-regexp "^($2) v" <<<"$tree" | sort -u || true)
    if [[ -n $found ]]; then
        printf 'with the features %s these are compiled:\n%s\n' "$1" "$found"
        status=1
    fi
}

without app 'anyhow|async-nats|axum|clap|clap_builder|libsqlite3-sys|mimalloc|rusqlite|terminal_size|tower-http'
without cli,hub 'async-nats|bevy|bevy_[a-z_]*|egui|wgpu|winit'
exit "$status"
