#!/usr/bin/env bash
# Builds the page: a static site in web/dist, complete, for any web server.
#
#     web/build.sh
#
# Needs Rust and node 18 or newer. What else is needed is fetched: the wasm32 standard library, and
# wasm-bindgen in the very version of Cargo.lock. Run again, it does only what has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=wasm32-unknown-unknown
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meterbridge
cargo_target=${CARGO_TARGET_DIR:-$cache/target}
# Apart from the other builds: another compiler may make this one, and each would throw away what
# the other left.
web_target=$cargo_target/web

fail() {
    printf 'web/build.sh: %s\n' "$@" >&2
    exit 1
}

command -v node >/dev/null || fail "node is needed, 18 or newer: it assembles and compresses the site"
command -v cargo >/dev/null || fail "Rust is needed: https://rustup.rs"

# The standard library of the target: from rustup where it can be had, else built from Debian's
# sources.
has_target() { [[ -d $(rustc --print sysroot)/lib/rustlib/$target/lib ]]; }
debian_packages=(rustc-web cargo-web rust-web-src lld-19)
lacks_debian() {
    local package
    for package in "${debian_packages[@]}"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
            grep --quiet --line-regexp installed || return 0
    done
    return 1
}

build=(cargo rustc)
options=()
if ! has_target && command -v rustup >/dev/null; then
    rustup target add "$target" || echo "web/build.sh: rustup has no $target here, trying Debian's" >&2
fi
if ! has_target; then
    how="apt-get install -y --no-install-recommends ${debian_packages[*]}"
    command -v dpkg-query >/dev/null ||
        fail "the standard library for $target is lacking:" "rustup target add $target"
    if lacks_debian; then
        ((EUID == 0)) ||
            fail "the standard library for $target is lacking. Either:" "rustup target add $target" \
                "or, on Debian as root:" "$how"
        apt-get update
        DEBIAN_FRONTEND=noninteractive $how
    fi
    # A stable compiler builds its own library only when it is told that it may.
    build=(env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19 /usr/bin/cargo rustc)
    options=(-Z build-std=std,panic_abort)
fi

echo "== wasm"
"${build[@]}" --locked --lib --crate-type cdylib --target "$target" --profile web \
    --target-dir "$web_target" "${options[@]}"
wasm=$web_target/$target/web/meterbridge.wasm

# Both sides of the bindings must be of one version.
version=$(awk '$1 == "name" { name = $3 } $1 == "version" && name == "\"wasm-bindgen\"" { gsub(/"/, "", $3); print $3; exit }' Cargo.lock)
[[ -n $version ]] || fail "Cargo.lock has no wasm-bindgen"
tool=$cache/tools/wasm-bindgen-$version
bindgen=$tool/bin/wasm-bindgen
if [[ $(wasm-bindgen --version 2>/dev/null) == "wasm-bindgen $version" ]]; then
    bindgen=wasm-bindgen
elif [[ $("$bindgen" --version 2>/dev/null) != "wasm-bindgen $version" ]]; then
    echo "== wasm-bindgen $version"
    # Not --locked: a registry may have taken back what its lock file pins.
    cargo install wasm-bindgen-cli --version "$version" --root "$tool" \
        --target-dir "$cargo_target/tools"
fi

bound=$web_target/bindgen
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
