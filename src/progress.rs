//! Tells that an input is still being read, for inputs that are long or never end.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::source::recording::{Recording, RecordingError};
use crate::text;

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
pub fn on_stderr<R: Read>(input: R, name: &str) -> impl Read + use<R> {
    let began = Instant::now();
    let say = |line: &str| {
        // A closed stderr must not stop the reading.
        let _ = writeln!(io::stderr(), "{line}");
    };
    Progress::new(input, text::one_line(name).into_owned(), move || began.elapsed(), say)
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

fn size_words(bytes: u64) -> String {
    let tenths = |unit: u32| bytes.saturating_mul(10) >> unit;
    match bytes {
        0..0x10_0000 => format!("{} KiB", bytes >> 10),
        0x10_0000..0x4000_0000 => format!("{} MiB", bytes >> 20),
        _ => format!("{}.{} GiB", tenths(30) / 10, tenths(30) % 10),
    }
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
    fn short_input_is_not_told() {
        let say = |line: &str| panic!("{line}");
        let mut input = Progress::new(&b"text"[..], String::new(), || Duration::ZERO, say);
        assert_eq!(io::read_to_string(&mut input).unwrap(), "text");
    }
}
