# Chooses the Rust toolchain that builds the page, for web/build.sh and web/clippy, which source this
# file.
#
# The standard library for wasm32 comes from rustup if available; otherwise Debian's packages build it,
# and are installed if the user is root. `choose_rust` sets these variables:
#
#     wasm_target   the target
#     wasm_folder   its target directory. Separate from other builds: a different compiler may be used,
#                   and each would discard the other's results
#     wasm_cargo    the command for cargo
#     wasm_clippy   the command for cargo clippy
#     wasm_options  options that both need beside --target

wasm_target=wasm32-unknown-unknown
cache=${XDG_CACHE_HOME:-$HOME/.cache}/meterbridge
cargo_target=${CARGO_TARGET_DIR:-$cache/target}
wasm_folder=$cargo_target/web
wasm_cargo=(cargo)
wasm_clippy=(cargo clippy)
wasm_options=()

fail() {
    printf '%s\n' "$0: $1" "${@:2}" >&2
    exit 1
}

# Prints the Debian packages that are not installed.
lacking_of() {
    local package
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
            grep --quiet --line-regexp installed || echo "$package"
    done
}

choose_rust() { # more packages of Debian, should they be needed
    local packages lacking how
    command -v cargo >/dev/null || fail "Rust is needed: https://rustup.rs"
    has_target() { [[ -d $(rustc --print sysroot)/lib/rustlib/$wasm_target/lib ]]; }
    if ! has_target && command -v rustup >/dev/null; then
        rustup target add "$wasm_target" || echo "$0: rustup has no $wasm_target here, trying Debian's" >&2
    fi
    if has_target; then return; fi

    packages=(rustc-web cargo-web rust-web-src lld-19 "$@")
    command -v dpkg-query >/dev/null ||
        fail "the standard library for $wasm_target is lacking:" "rustup target add $wasm_target"
    mapfile -t lacking < <(lacking_of "${packages[@]}")
    if ((${#lacking[@]} > 0)); then
        how="apt-get install -y --no-install-recommends ${packages[*]}"
        ((EUID == 0)) ||
            fail "the standard library for $wasm_target is lacking. Either:" \
                "rustup target add $wasm_target" "or, on Debian as root:" "$how"
        apt-get update
        DEBIAN_FRONTEND=noninteractive $how
    fi
    # A stable compiler builds its own library only with RUSTC_BOOTSTRAP.
    local debian=(env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19)
    wasm_cargo=("${debian[@]}" /usr/bin/cargo)
    # Called directly: cargo looks for its subcommands among rustup's first.
    wasm_clippy=("${debian[@]}" /usr/bin/cargo-clippy clippy)
    wasm_options=(-Z build-std=std,panic_abort)
}
