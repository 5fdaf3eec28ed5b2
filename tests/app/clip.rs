//! Clips: films of recordings.

use std::fs;
use std::path::{Path, PathBuf};

use meterbridge::app::{ClipError, clip};
use meterbridge::config::{ClipOutput, ClipRequest, Settings, Size};
use meterbridge::source::RecordingFiles;

fn request(recording: &str, [from, to]: [&str; 2], output: ClipOutput) -> ClipRequest {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/transcripts");
    ClipRequest {
        files: RecordingFiles::from(path.join(recording)),
        settings: Settings::default(),
        from: from.parse().unwrap(),
        to: Some(to.parse().unwrap()),
        pictures_a_second: 2,
        rate: 1.0,
        size: Size { width: 320, height: 180 },
        output,
    }
}

fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("meterbridge-clip-{}-{name}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    path
}

/// Pictures of a folder, in order.
fn pictures(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn same_recording_gives_the_same_pictures() {
    let (first, second) = (folder("first"), folder("second"));
    for folder in [&first, &second] {
        let output = ClipOutput::Folder(folder.clone());
        clip(request("b-fix-twice-then-pass.ndjson", ["+0", "+2"], output)).unwrap();
    }
    let pictures = [pictures(&first), pictures(&second)];
    assert_eq!(pictures[0].len(), 4);
    assert!(pictures[0] == pictures[1], "two films of one recording differ");
    assert!(pictures[0][0] != pictures[0][3], "time passes");
    fs::remove_dir_all(first).unwrap();
    fs::remove_dir_all(second).unwrap();
}

#[test]
fn film_of_a_part_that_was_not_recorded_names_what_was() {
    let output = ClipOutput::Folder(folder("none"));
    let error = clip(request("a-success-live.ndjson", ["+900", "+901"], output)).unwrap_err();
    assert!(matches!(error, ClipError::NothingBetween { .. }), "{error}");
    let words = error.to_string();
    assert!(words.starts_with("nothing lies between --from 20"), "{words}");
}
