//! Options of recordings.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use crate::source::recorder::RecorderSettings;

/// Options for recording what a window shows.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Recording")]
pub struct RecordOptions {
    /// Record everything that the source sends into this file; a name that ends in .zst or .gz
    /// compresses it
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_RECORD", hide_env = true)]
    pub record: Option<PathBuf>,

    /// Options for the files.
    #[command(flatten)]
    pub files: RecordFileOptions,
}

/// Options for the files of a recording.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Recording")]
pub struct RecordFileOptions {
    /// Start a new file before one exceeds this size; in bytes, or with k, M or G. The files
    /// are called NAME-0001, NAME-0002 …
    #[arg(long, value_name = "BYTES", value_parser = size)]
    #[arg(env = "METERBRIDGE_ROTATE_SIZE", hide_env = true)]
    pub rotate_size: Option<u64>,

    /// Start a new file after this time; in seconds, or with m, h or d
    #[arg(long, value_name = "TIME", value_parser = age)]
    #[arg(env = "METERBRIDGE_ROTATE_AFTER", hide_env = true)]
    pub rotate_after: Option<Duration>,

    /// Replace the file if it exists. Files of a recording that rotates are never replaced: the next
    /// number is taken
    #[arg(long, value_parser = FalseyValueParser::new())]
    #[arg(env = "METERBRIDGE_OVERWRITE", hide_env = true)]
    pub overwrite: bool,
}

impl RecordOptions {
    /// Returns the settings of the recorder; `None` where nothing is recorded.
    pub fn settings(&self) -> Option<RecorderSettings> {
        let path = self.record.clone().filter(|path| !path.as_os_str().is_empty())?;
        Some(self.files.settings(path))
    }
}

impl RecordFileOptions {
    /// Returns the settings of a recorder into this file.
    pub fn settings(&self, path: PathBuf) -> RecorderSettings {
        let Self { rotate_size, rotate_after, overwrite } = *self;
        RecorderSettings { path, rotate_size, rotate_after, overwrite }
    }
}

/// Smallest size of a file, so that a typing error does not make thousands of them.
const LEAST_SIZE: u64 = 64 << 10;

/// Shortest time of a file, for the same reason.
const LEAST_AGE: Duration = Duration::from_secs(10);

/// Longest time of a file.
const MOST_AGE: f64 = 366.0 * 86_400.0;

/// Splits a number from its unit, in lower case.
fn split_unit(text: &str) -> (&str, String) {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..digits], text[digits..].trim().to_ascii_lowercase())
}

/// Parses a size in bytes, with `k`, `M` or `G` for powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    let (count, unit) = split_unit(text);
    let shift = match unit.as_str() {
        "" | "b" => Some(0),
        "k" | "kb" | "kib" => Some(10),
        "m" | "mb" | "mib" => Some(20),
        "g" | "gb" | "gib" => Some(30),
        _ => None,
    };
    let bytes = count.parse::<u64>().ok().zip(shift);
    bytes
        .and_then(|(count, shift)| count.checked_mul(1 << shift))
        .filter(|bytes| *bytes >= LEAST_SIZE)
        .ok_or_else(|| "expected at least 64k, such as 500k, 100M or 2G".to_owned())
}

/// Parses a time, with `m`, `h` or `d` for minutes, hours and days.
fn age(text: &str) -> Result<Duration, String> {
    let (count, unit) = split_unit(text);
    let factor = match unit.as_str() {
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3_600.0),
        "d" => Some(86_400.0),
        _ => None,
    };
    let seconds = count.parse::<f64>().ok().zip(factor).map(|(count, factor)| count * factor);
    seconds
        .filter(|seconds| *seconds <= MOST_AGE)
        .map(Duration::from_secs_f64)
        .filter(|age| *age >= LEAST_AGE)
        .ok_or_else(|| "expected at least 10 seconds, such as 600, 30m, 24h or 7d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_ages_accept_units() {
        for (text, expected) in [
            ("65536", Some(64 << 10)),
            ("100M", Some(100 << 20)),
            ("2 GiB", Some(2 << 30)),
            ("1k", None),
            ("0", None),
            ("", None),
            ("-5M", None),
            ("1.5G", None),
            ("99999999999G", None),
            ("5 apples", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("600", Some(600)),
            ("1.5h", Some(5_400)),
            ("30m", Some(1_800)),
            ("7d", Some(7 * 86_400)),
            ("9", None),
            ("1e9d", None),
            ("400d", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(age(text).ok().map(|age| age.as_secs()), expected, "{text}");
        }
    }
}
