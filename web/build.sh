#!/usr/bin/env bash
# Builds the page: a complete static site in web/dist, for any web server.
#
#     web/build.sh
#
# Needs Rust and node 18 or newer. Downloads the rest: the wasm32 standard library, and wasm-bindgen in
# the exact version of Cargo.lock. A repeated run rebuilds only what has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# shellcheck source=web/toolchain.sh
source web/toolchain.sh

command -v node >/dev/null || fail "node is needed, 18 or newer: it assembles and compresses the site"
choose_rust

echo "== wasm"
"${wasm_cargo[@]}" rustc --locked --lib --crate-type cdylib --target "$wasm_target" --profile web \
    --target-dir "$wasm_folder" "${wasm_options[@]}"
wasm=$wasm_folder/$wasm_target/web/meterbridge.wasm

# Both sides of the bindings must have the same version.
version=$(awk '$1 == "name" { name = $3 } $1 == "version" && name == "\"wasm-bindgen\"" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock)
[[ -n $version ]] || fail "Cargo.lock has no wasm-bindgen"
tool=$cache/tools/wasm-bindgen-$version
bindgen=$tool/bin/wasm-bindgen
if [[ $(wasm-bindgen --version 2>/dev/null) == "wasm-bindgen $version" ]]; then
    bindgen=wasm-bindgen
elif [[ $("$bindgen" --version 2>/dev/null) != "wasm-bindgen $version" ]]; then
    echo "== wasm-bindgen $version"
    # Not --locked: a registry may have yanked versions that its lock file pins.
    cargo install wasm-bindgen-cli --version "$version" --root "$tool" \
        --target-dir "$cargo_target/tools"
fi

bound=$wasm_folder/bindgen
if [[ ! $bound/meterbridge_bg.wasm -nt $wasm || $(cat "$bound/version" 2>/dev/null) != "$version" ]]; then
    echo "== bindings"
    rm -rf "$bound"
    "$bindgen" "$wasm" --out-dir "$bound" --out-name meterbridge --target web --no-typescript \
        --remove-name-section --remove-producers-section
    echo "$version" >"$bound/version"
fi

echo "== site"
node web/assemble.mjs "$bound" web/dist
web/check-size
