//! Recorder: writes every received frame into a file that [`recording`](super::recording) reads.
//!
//! A source hands over complete lines and never waits for the disk. A thread of the recorder writes them
//! every [`FLUSH_INTERVAL`], so a killed program loses less than a second.
//!
//! | part | what it does |
//! | --- | --- |
//! | `settings` | file, rotation, replacement |
//! | `lines` | frames, connection changes and the header as lines |
//! | `codec` | lines → members of a file: plain, gzip, Zstandard |
//! | `files` | names, creation, rotation, writing |

#[cfg(not(target_arch = "wasm32"))]
mod codec;
#[cfg(not(target_arch = "wasm32"))]
mod files;
#[cfg(not(target_arch = "wasm32"))]
mod lines;
mod settings;
#[cfg(not(target_arch = "wasm32"))]
mod writer;

#[cfg(all(feature = "hub", not(target_arch = "wasm32")))]
pub(crate) use lines::{header as header_line, push_frame as push_frame_line};
pub use settings::RecorderSettings;
#[cfg(not(target_arch = "wasm32"))]
pub use {
    files::RecorderError,
    lines::ConnectionChange,
    writer::{FLUSH_INTERVAL, Recorder, RecorderSummary},
};
