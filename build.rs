//! Says in words what is lacking where the page is to be embedded and has not been built.

use std::{env, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_EMBED_PAGE").is_none() {
        return;
    }
    // Also makes the crate anew when a file of the page comes or goes.
    println!("cargo::rerun-if-changed=web/dist");
    if !Path::new("web/dist/index.html").is_file() {
        println!(
            "cargo::error=the feature `embed-page` embeds web/dist, and there is no \
             web/dist/index.html: run web/build.sh first"
        );
    }
}
