//! Opening of recordings: the check before one replaces what is shown, and the readers for playback.

#[cfg(not(target_arch = "wasm32"))]
use std::{fs::File, io::BufReader};

use jiff::Timestamp;

use super::RecordingFiles;
use super::merge::MergedFrames;
use super::recording::{Recording, RecordingError};
use crate::protocol::{Batch, Item};

/// Most frames that a check reads of each file. A file that shows no sign of a recording within them is judged
/// when it has been played.
const MOST_CHECKED: usize = 2_000;

/// Reader of a file's bytes.
#[cfg(not(target_arch = "wasm32"))]
type Bytes = BufReader<File>;
#[cfg(target_arch = "wasm32")]
type Bytes = std::io::Cursor<super::spec::Contents>;

#[cfg(not(target_arch = "wasm32"))]
fn readers(files: &RecordingFiles) -> Result<Vec<Recording<Bytes>>, RecordingError> {
    files.paths().iter().map(|path| Recording::open(path)).collect()
}

#[cfg(target_arch = "wasm32")]
fn readers(files: &RecordingFiles) -> Result<Vec<Recording<Bytes>>, RecordingError> {
    let named = files.paths().iter().zip(files.contents());
    let reader = |(path, contents): (&std::path::PathBuf, &super::spec::Contents)| {
        Recording::named(&path.to_string_lossy(), std::io::Cursor::new(contents.clone()))
    };
    Ok(named.map(reader).collect())
}

/// Opens recordings, to be played as one.
///
/// # Errors
///
/// Fails when one of them cannot be opened.
pub fn open(files: &RecordingFiles) -> Result<MergedFrames<Bytes>, RecordingError> {
    readers(files).map(MergedFrames::new)
}

/// Reads the beginning of each file. Takes as long as the disk takes.
///
/// # Errors
///
/// Fails when a file cannot be opened or read, or is no recording.
pub fn check(files: &RecordingFiles) -> Result<(), RecordingError> {
    readers(files)?.into_iter().try_for_each(check_one)
}

fn check_one(mut recording: Recording<Bytes>) -> Result<(), RecordingError> {
    for _ in 0..MOST_CHECKED {
        let Some(frame) = recording.next_frame()? else { return recording.verdict() };
        let mut batch = Batch::new(Timestamp::UNIX_EPOCH, false);
        frame.push_into(&mut batch);
        recording.note(&batch);
        let is_event = |item: &Item| matches!(item, Item::Event(_) | Item::Run(_) | Item::Hub(_));
        if batch.items.iter().any(is_event) {
            return Ok(());
        }
    }
    Ok(())
}

#[cfg(not(target_arch = "wasm32"))]
#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn said(path: &str) -> String {
        check(&Path::new(path).into()).unwrap_err().to_string()
    }

    #[test]
    fn check_says_what_is_wrong_where_and_what_to_do() {
        assert!(said("no/such.ndjson").starts_with("cannot open the recording `no/such.ndjson`: "));
        assert!(said("no/such.ndjson").ends_with("Check the path"));
        assert_eq!(said("tests"), "`tests` is a folder: name a recording in it");
        assert!(said("Cargo.toml").starts_with("`Cargo.toml` is not a recording: "));
        assert!(said("docs/screenshots/wall-one-1920x1080.png").contains("it is a PNG picture"));
    }

    #[test]
    fn recordings_of_all_kinds_pass_the_check() {
        for name in ["gzipped", "utf16le", "pretty", "glued", "min-fix"] {
            let path = format!("tests/fixtures/cases/{name}.ndjson");
            check(&Path::new(&path).into()).unwrap();
        }
    }
}
