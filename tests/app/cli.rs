//! Commands that need a window or draw a picture, run without a display.

use std::net::TcpListener;
use std::process::Output;

use super::picture::{CLOCKS, Picture, meterbridge, scratch, snapshot};
use super::scenes;

/// Returns the exit code, and standard error without its last line break.
fn said(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap().trim_end())
}

#[test]
fn missing_display_error_names_the_working_commands() {
    let output = meterbridge().output().unwrap();
    let sentence = "error: there is no display to open a window on; `meterbridge inspect`, \
                    `meterbridge record`, `meterbridge snapshot`, `meterbridge demo` and \
                    `meterbridge serve` work without one";
    assert_eq!(said(&output), (Some(1), sentence));
}

#[test]
fn snapshot_of_a_missing_file_is_a_usage_error() {
    let sentence =
        "error: there is no file and no command `no/such.ndjson`; try `meterbridge --help`";
    assert_eq!(said(&snapshot(&["no/such.ndjson"])), (Some(2), sentence));
}

#[test]
fn snapshot_of_a_folder_is_refused() {
    let folder = scenes::path("mid-run");
    let folder = folder.parent().unwrap().to_str().unwrap();
    let output = snapshot(&[folder, "-o", scratch("folder.png").to_str().unwrap()]);
    let (code, stderr) = said(&output);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is a folder: name a recording in it"), "{stderr}");
}

#[test]
fn snapshot_names_the_file_it_cannot_write() {
    let target = scratch("no-such-folder/picture.png");
    let scene = scenes::path("waiting");
    let arguments = [scene.to_str().unwrap(), "--size", "64x36", "-o", target.to_str().unwrap()];
    let output = snapshot(&arguments);
    let (code, stderr) = said(&output);
    assert_eq!(code, Some(1), "{stderr}");
    let sentence = format!("cannot write {}", target.display());
    assert!(stderr.contains(&sentence), "{stderr}");
}

#[test]
fn snapshot_of_an_invalid_size_is_a_usage_error() {
    for size in ["0x0", "1920", "9000x100", "64x-1", "wide"] {
        let output = snapshot(&["--size", size]);
        let (code, stderr) = said(&output);
        assert_eq!(code, Some(2), "{size}: {stderr}");
        assert!(stderr.contains("expected pixels up to 8192, such as 1920x1080"), "{stderr}");
    }
}

/// Odd sizes, portrait, tiny: the screens of walls and phones are not all 16:9.
#[test]
fn snapshot_of_any_valid_size_has_no_gaps() {
    for size in [(641, 361), (360, 640), (1, 1), (1280, 200)] {
        // `of_scene` asserts the size itself.
        let (picture, _) = Picture::of_scene("failed", "size", size);
        assert!(picture.pixels.iter().all(|pixel| pixel[3] == 255), "{size:?} has holes");
    }
}

/// An empty file is an empty recording, not an error.
#[test]
fn empty_recording_shows_the_waiting_stage() {
    // The connection panel names the file, as it does that of the scene.
    let folder = scratch("empty");
    std::fs::create_dir_all(&folder).unwrap();
    let empty = folder.join("waiting.ndjson");
    std::fs::write(&empty, "").unwrap();
    let target = scratch("empty.png");
    let arguments = [empty.to_str().unwrap(), "--size", "960x540", "-o", target.to_str().unwrap()];
    let output = snapshot(&arguments);
    assert_eq!(said(&output), (Some(0), ""));
    let empty = Picture::read(&target).covered(&CLOCKS);
    let (waiting, _) = Picture::of_scene("waiting", "stage", (960, 540));
    let waiting = waiting.covered(&CLOCKS);
    assert!(empty == waiting, "{:?}", empty.difference(&waiting));
}

#[test]
fn snapshot_of_an_unreachable_studio_fails_with_a_reason() {
    // Bound and dropped: nothing listens at this address now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{address}/events");
    let arguments = ["--max-reconnect-attempts", "1", "--reconnect-delay", "0.01"];
    let output = snapshot(&[&[url.as_str()][..], &arguments].concat());
    let (code, stderr) = said(&output);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("could not connect: nothing is listening at"), "{stderr}");
}

/// An idle studio is valid: the picture shows it, and the command ends.
#[test]
fn snapshot_of_a_silent_studio_succeeds() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/events", listener.local_addr().unwrap());
    std::thread::spawn(move || silent_backend(listener));
    let target = scratch("silent.png");
    let arguments = [&url, "--at", "0", "--size", "64x36", "-o", target.to_str().unwrap()];
    let output = snapshot(&arguments);
    assert_eq!(said(&output), (Some(0), ""));
    assert_eq!(Picture::read(&target).width, 64);
}

/// Completes the WebSocket handshake and sends nothing more.
fn silent_backend(listener: TcpListener) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        listener.set_nonblocking(true).unwrap();
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let _socket = tokio_tungstenite::accept_async(stream).await.unwrap();
        std::future::pending::<()>().await;
    });
}
