//! Tells that an input is still being read, or a picture still drawn, where that takes long.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::source::recording::{Recording, RecordingError};
use crate::text::{self, size_words};

/// Time after which the first line is written. Each further line follows after twice the time.
const FIRST: Duration = Duration::from_secs(5);

/// Wraps an input. Writes a line to `say` at growing intervals by `clock`, which returns the time since
/// the start.
pub struct Progress<R, C, S> {
    input: R,
    name: String,
    bytes: u64,
    clock: C,
    next: Duration,
    say: S,
}

impl<R: Read, C: FnMut() -> Duration, S: FnMut(&str)> Progress<R, C, S> {
    /// Wraps the input that messages call `name`.
    pub fn new(input: R, name: String, clock: C, say: S) -> Self {
        Self { input, name, bytes: 0, clock, next: FIRST, say }
    }
}

impl<R: Read, C: FnMut() -> Duration, S: FnMut(&str)> Read for Progress<R, C, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.bytes += read as u64;
        let passed = (self.clock)();
        if read > 0 && passed >= self.next {
            self.next = passed * 2;
            let size = size_words(self.bytes);
            (self.say)(&format!("still reading {}: {size} so far; Ctrl-C ends it", self.name));
        }
        Ok(read)
    }
}

/// Wraps an input so that stderr says when it is still being read after a while.
pub fn on_stderr<R: Read + Send>(input: R, name: &str) -> impl Read + Send + use<R> {
    let began = Instant::now();
    let say = |line: &str| {
        // A closed stderr must not stop the reading.
        let _ = writeln!(io::stderr(), "{line}");
    };
    Progress::new(input, text::one_line(name).into_owned(), move || began.elapsed(), say)
}

/// Says at growing intervals that work on another thread goes on, until it is dropped.
pub struct StillBusy {
    /// Ends the thread when it is dropped.
    end: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl StillBusy {
    /// Calls `say` after `first`, and then each time that twice the time has passed. `say` gets the time
    /// since the start. If there can be no thread, nothing is said.
    pub fn new(first: Duration, mut say: impl FnMut(Duration) + Send + 'static) -> Self {
        let (end, ended) = mpsc::channel();
        let work = move || {
            let (began, mut next) = (Instant::now(), first);
            let rest = |next: Duration| next.saturating_sub(began.elapsed());
            while ended.recv_timeout(rest(next)) == Err(RecvTimeoutError::Timeout) {
                say(began.elapsed());
                next *= 2;
            }
        };
        let thread = thread::Builder::new().name("progress".to_owned()).spawn(work).ok();
        Self { end: Some(end), thread }
    }

    /// Writes lines to stderr while a picture of this many pixels is drawn. `before` is the time that
    /// passes until drawing begins.
    pub fn drawing(width: u32, height: u32, before: Duration) -> Self {
        Self::new(before + FIRST, move |passed| {
            // A closed stderr must not stop the drawing.
            let _ = writeln!(io::stderr(), "{}", drawing_words(width, height, passed));
        })
    }
}

impl Drop for StillBusy {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn drawing_words(width: u32, height: u32, passed: Duration) -> String {
    format!(
        "still drawing {width}x{height} pixels after {} s: without a graphics card a large picture takes \
         minutes; Ctrl-C ends it, --size draws a smaller one",
        passed.as_secs()
    )
}

/// Opens a recording. Stderr says when it is still being read after a while.
///
/// # Errors
///
/// Same as [`Recording::open`].
pub fn open(path: &Path) -> Result<Recording<BufReader<impl Read + use<>>>, RecordingError> {
    let name = path.display().to_string();
    Recording::open_through(path, move |file: File| on_stderr(file, &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endless_input_is_told_at_growing_intervals() {
        let (mut seconds, mut said) = (0, Vec::new());
        let clock = || {
            seconds += 1;
            Duration::from_secs(seconds)
        };
        let say = |line: &str| said.push(line.to_owned());
        let mut input = Progress::new(io::repeat(0), "`/dev/zero`".to_owned(), clock, say);
        for _ in 0..100 {
            input.read_exact(&mut vec![0; 100 << 20]).unwrap();
        }
        drop(input);
        assert_eq!(said.len(), 5, "{said:?}");
        assert_eq!(said[0], "still reading `/dev/zero`: 500 MiB so far; Ctrl-C ends it");
        assert_eq!(said[1], "still reading `/dev/zero`: 1000 MiB so far; Ctrl-C ends it");
        assert_eq!(said[4], "still reading `/dev/zero`: 7.8 GiB so far; Ctrl-C ends it");
    }

    #[test]
    fn long_work_is_told_at_growing_intervals_until_it_ends() {
        let (said, heard) = mpsc::channel();
        let first = Duration::from_millis(2);
        let busy = StillBusy::new(first, move |passed| said.send(passed).unwrap());
        let times: Vec<Duration> = heard.iter().take(4).collect();
        drop(busy);
        for (nth, passed) in times.iter().enumerate() {
            assert!(*passed >= first * (1 << nth), "{times:?}");
        }
        // The thread has ended, and with it the last sender.
        assert!(heard.try_iter().count() < 2);
        assert_eq!(heard.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn short_work_is_not_told() {
        let (said, heard) = mpsc::channel();
        drop(StillBusy::new(FIRST, move |passed| said.send(passed).unwrap()));
        assert_eq!(heard.iter().count(), 0);
        assert_eq!(
            drawing_words(8192, 8192, Duration::from_millis(20_400)),
            "still drawing 8192x8192 pixels after 20 s: without a graphics card a large picture takes \
             minutes; Ctrl-C ends it, --size draws a smaller one"
        );
    }

    #[test]
    fn short_input_is_not_told() {
        let say = |line: &str| panic!("{line}");
        let mut input = Progress::new(&b"text"[..], String::new(), || Duration::ZERO, say);
        assert_eq!(io::read_to_string(&mut input).unwrap(), "text");
    }
}
