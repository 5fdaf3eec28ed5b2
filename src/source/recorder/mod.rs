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
//! | `in_page` | the recorder of a page, which keeps the lines in memory |

#[cfg(not(target_arch = "wasm32"))]
mod codec;
#[cfg(not(target_arch = "wasm32"))]
mod files;
#[cfg(any(target_arch = "wasm32", test))]
mod in_page;
mod lines;
mod settings;
mod summary;
#[cfg(not(target_arch = "wasm32"))]
mod writer;

#[cfg(target_arch = "wasm32")]
pub use in_page::Recorder;
pub use lines::ConnectionChange;
#[cfg(all(feature = "hub", not(target_arch = "wasm32")))]
pub(crate) use lines::{header as header_line, push_frame as push_frame_line};
pub use settings::RecorderSettings;
pub use summary::RecorderSummary;
#[cfg(not(target_arch = "wasm32"))]
pub use {
    files::RecorderError,
    writer::{FLUSH_INTERVAL, Recorder},
};
