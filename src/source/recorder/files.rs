//! Files of a recording: names, creation, rotation, writing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use thiserror::Error;

use super::RecorderSettings;
use super::codec::Codec;
use super::lines;

/// Reason why nothing can be recorded.
#[derive(Debug, Error)]
pub enum RecorderError {
    /// The file exists.
    #[error(
        "`{}` exists and is not overwritten: name another file, or replace it with --overwrite",
        path.display()
    )]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be created.
    #[error("cannot create the recording `{}`: {error}. {}", path.display(), advice(error))]
    Create {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        error: io::Error,
    },
    /// The file cannot be written.
    #[error(
        "cannot write the recording `{}`: {error}. {}; what was recorded before is kept",
        path.display(), advice(error)
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        error: io::Error,
    },
    /// The thread cannot be started.
    #[error("cannot start the recorder's thread: {0}")]
    Thread(io::Error),
}

/// Returns what to do about an error of the system.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "Make room on the disk, or record to another one"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "Choose a folder that this user may write to"
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => "Create the folder first",
        ErrorKind::IsADirectory => "Name a file in this folder",
        _ => "Choose another file",
    }
}

/// Header fields that all files of one recording share.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    /// Address of the source, without secrets.
    pub(super) source: String,
    pub(super) started_at: Timestamp,
}

/// The files of one recording; one of them is open.
pub(super) struct Files {
    settings: RecorderSettings,
    codec: Codec,
    path: PathBuf,
    file: File,
    /// Number of the open file within this recording, from 1.
    part: u32,
    /// Number in the open file's name.
    number: u32,
    /// Bytes in the open file.
    bytes: u64,
    /// Bytes in the files before.
    bytes_before: u64,
    opened: Instant,
}

impl Files {
    /// Creates the first file.
    pub(super) fn create(settings: RecorderSettings) -> Result<Self, RecorderError> {
        let number = if settings.rotates() { last_number(&settings.path) + 1 } else { 0 };
        let (path, file) = open(&settings, number)?;
        Ok(Self {
            codec: Codec::of(&path),
            settings,
            path,
            file,
            part: 1,
            number,
            bytes: 0,
            bytes_before: 0,
            opened: Instant::now(),
        })
    }

    /// Path of the open file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Number of files.
    pub(super) fn count(&self) -> u32 {
        self.part
    }

    /// Bytes in all files.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes_before + self.bytes
    }

    /// Writes complete lines as one member, into the next file where one is due. `recv_ms` is the time
    /// of the first line.
    pub(super) fn write(
        &mut self,
        lines: &[u8],
        origin: &Origin,
        recv_ms: f64,
    ) -> Result<(), RecorderError> {
        let mut member = self.member(lines, origin, recv_ms)?;
        let is_full = |most| self.bytes + member.len() as u64 > most;
        let is_old = |most| self.opened.elapsed() >= most;
        if self.bytes > 0
            && (self.settings.rotate_size.is_some_and(is_full)
                || self.settings.rotate_after.is_some_and(is_old))
        {
            self.begin_next()?;
            member = self.member(lines, origin, recv_ms)?;
        }
        if let Err(error) = self.file.write_all(&member) {
            // Cut off the incomplete member again. If that fails, too, readers skip it.
            let _ = self.file.set_len(self.bytes);
            return Err(RecorderError::Write { path: self.path.clone(), error });
        }
        self.bytes += member.len() as u64;
        Ok(())
    }

    fn member(
        &self,
        lines: &[u8],
        origin: &Origin,
        recv_ms: f64,
    ) -> Result<Vec<u8>, RecorderError> {
        let mut text = match self.bytes {
            0 => lines::header(&origin.source, origin.started_at, recv_ms, self.part),
            _ => Vec::new(),
        };
        text.extend_from_slice(lines);
        let failed = |error| RecorderError::Write { path: self.path.clone(), error };
        self.codec.member(text).map_err(failed)
    }

    fn begin_next(&mut self) -> Result<(), RecorderError> {
        let number = self.number + 1;
        (self.path, self.file) = open(&self.settings, number)?;
        self.number = number;
        self.part += 1;
        self.bytes_before += std::mem::take(&mut self.bytes);
        self.opened = Instant::now();
        Ok(())
    }
}

/// Opens the file with a number; 0 is the file as it was named.
fn open(settings: &RecorderSettings, number: u32) -> Result<(PathBuf, File), RecorderError> {
    let path = match number {
        0 => settings.path.clone(),
        number => numbered(&settings.path, number),
    };
    let mut options = OpenOptions::new();
    options.write(true);
    if settings.overwrite && !settings.rotates() {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    match options.open(&path) {
        Ok(file) => Ok((path, file)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(RecorderError::Exists { path })
        }
        Err(error) => Err(RecorderError::Create { path, error }),
    }
}

/// Splits a file's name before its endings: `studio.ndjson.zst` into `studio` and `.ndjson.zst`.
fn split_name(path: &Path) -> (String, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let ending = |name: &str| {
        name.rfind('.').filter(|at| *at > 0 && name.len() - at <= 8).unwrap_or(name.len())
    };
    let mut end = ending(&name);
    if Codec::of(path) != Codec::Plain {
        end = ending(&name[..end]);
    }
    (name[..end].to_owned(), name[end..].to_owned())
}

/// Returns the name of a file of a rotating recording: `studio-0001.ndjson.zst`.
fn numbered(path: &Path, number: u32) -> PathBuf {
    let (name, endings) = split_name(path);
    path.with_file_name(format!("{name}-{number:04}{endings}"))
}

/// Returns the greatest number of an existing file of a rotating recording; 0 where there is none.
fn last_number(path: &Path) -> u32 {
    let (name, endings) = split_name(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
    let number = |found: &str| {
        found.strip_prefix(&name)?.strip_prefix('-')?.strip_suffix(&endings)?.parse::<u32>().ok()
    };
    entries.filter_map(|entry| number(entry.ok()?.file_name().to_str()?)).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_endings() {
        for (path, expected) in [
            ("studio.ndjson", "studio-0002.ndjson"),
            ("tapes/studio.ndjson.zst", "tapes/studio-0002.ndjson.zst"),
            ("studio.gz", "studio-0002.gz"),
            ("studio", "studio-0002"),
            ("studio.2026-11-30.ndjson.gz", "studio.2026-11-30-0002.ndjson.gz"),
            (".studio", ".studio-0002"),
        ] {
            assert_eq!(numbered(Path::new(path), 2), PathBuf::from(expected));
        }
        assert_eq!(numbered(Path::new("a.ndjson"), 12_345), PathBuf::from("a-12345.ndjson"));
    }
}
