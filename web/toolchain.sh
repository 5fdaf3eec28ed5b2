# Which Rust builds the page, for web/build.sh and web/clippy, which source this.
#
# The standard library for wasm32 comes from rustup where it can be had; else Debian's packages
# build it, and as root they are installed. `choose_rust` leaves the choice in these:
#
#     wasm_target   the target
#     wasm_folder   its target directory. Apart from the other builds: another compiler may make
#                   this one, and each would throw away what the other left
#     wasm_cargo    the command for cargo
#     wasm_clippy   the command for cargo clippy
#     wasm_options  what both need beside --target

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

# Packages of Debian that are not there.
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
    # A stable compiler builds its own library only when it is told that it may.
    local debian=(env RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc CARGO=/usr/bin/cargo
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19)
    wasm_cargo=("${debian[@]}" /usr/bin/cargo)
    # Not by way of cargo, which looks for its subcommands among rustup's first.
    wasm_clippy=("${debian[@]}" /usr/bin/cargo-clippy clippy)
    wasm_options=(-Z build-std=std,panic_abort)
}
