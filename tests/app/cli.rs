//! The commands that belong to the window and the picture, where there is no window.

use std::net::TcpListener;
use std::process::Output;

use super::picture::{CLOCKS, Picture, meterbridge, scratch, snapshot};
use super::scenes;

/// Exit code, and standard error without its last line break.
fn said(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap().trim_end())
}

#[test]
fn without_a_display_it_says_what_works() {
    let output = meterbridge().output().unwrap();
    let sentence = "error: there is no display to open a window on; `meterbridge inspect`, \
                    `meterbridge snapshot`, `meterbridge demo` and `meterbridge serve` work \
                    without one";
    assert_eq!(said(&output), (Some(1), sentence));
}

#[test]
fn a_picture_of_what_is_not_there_is_a_usage_error() {
    let sentence =
        "error: there is no file and no command `no/such.ndjson`; try `meterbridge --help`";
    assert_eq!(said(&snapshot(&["no/such.ndjson"])), (Some(2), sentence));
}

#[test]
fn a_picture_of_a_folder_says_so() {
    let folder = scenes::path("mid-run");
    let folder = folder.parent().unwrap().to_str().unwrap();
    let output = snapshot(&[folder, "-o", scratch("folder.png").to_str().unwrap()]);
    let (code, stderr) = said(&output);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("is a folder: name a recording in it"), "{stderr}");
}

#[test]
fn a_picture_that_cannot_be_written_names_the_file() {
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
fn a_size_that_cannot_be_drawn_is_a_usage_error() {
    for size in ["0x0", "1920", "9000x100", "64x-1", "wide"] {
        let output = snapshot(&["--size", size]);
        let (code, stderr) = said(&output);
        assert_eq!(code, Some(2), "{size}: {stderr}");
        assert!(stderr.contains("expected pixels up to 8192, such as 1920x1080"), "{stderr}");
    }
}

/// Odd sizes, portrait, tiny: walls and phones are not all 16:9.
#[test]
fn any_size_is_drawn_in_full() {
    for size in [(641, 361), (360, 640), (1, 1), (1280, 200)] {
        // That it has the size is asserted within.
        let (picture, _) = Picture::of_scene("failed", "size", size);
        assert!(picture.pixels.iter().all(|pixel| pixel[3] == 255), "{size:?} has holes");
    }
}

/// An empty file is a recording of nothing, not an error.
#[test]
fn an_empty_recording_shows_the_waiting_stage() {
    let empty = scratch("empty.ndjson");
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
fn a_studio_that_is_not_there_gives_no_picture_and_says_why() {
    // Bound and dropped: nothing listens there now.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("ws://{address}/events");
    let arguments = ["--max-reconnect-attempts", "1", "--reconnect-delay", "0.01"];
    let output = snapshot(&[&[url.as_str()][..], &arguments].concat());
    let (code, stderr) = said(&output);
    assert_eq!(code, Some(1), "{stderr}");
    assert!(stderr.contains("there was no connection: refused"), "{stderr}");
}

/// Nothing may be going on in the studio: the picture says so, and the command ends.
#[test]
fn a_silent_studio_gives_a_picture_too() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/events", listener.local_addr().unwrap());
    std::thread::spawn(move || silent_backend(listener));
    let target = scratch("silent.png");
    let arguments = [&url, "--at", "0", "--size", "64x36", "-o", target.to_str().unwrap()];
    let output = snapshot(&arguments);
    assert_eq!(said(&output), (Some(0), ""));
    assert_eq!(Picture::read(&target).width, 64);
}

/// Shakes hands and says nothing more.
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
