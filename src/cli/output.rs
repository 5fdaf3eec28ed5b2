//! Commands that write what recordings hold into a file: `export` and `report`.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use thiserror::Error;

use super::{InspectArgs, UsageError};
use crate::export::Rows;
use crate::time_zone::DisplayZone;

const AFTER_EXPORT_HELP: &str = "\
Examples:
  meterbridge export recording.ndjson --format perfetto -o trace.json   open it in ui.perfetto.dev
  meterbridge export recording.ndjson --format otlp | curl --json @- http://localhost:4318/v1/traces
  meterbridge export recording.ndjson --format csv --rows steps -o steps.csv

docs/export.md says what each format holds.";

const AFTER_REPORT_HELP: &str = "\
Examples:
  meterbridge report recording.ndjson -o report.html
  meterbridge report monday.ndjson.gz tuesday.ndjson.gz -o week.html --time-zone Europe/Berlin

The page needs no network and no script, and can be printed.";

/// Formats of `export`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Chrome trace events, for ui.perfetto.dev
    Perfetto,
    /// OpenTelemetry's JSON (OTLP), for viewers of traces
    Otlp,
    /// A table for spreadsheets
    Csv,
}

/// Write the runs of recordings for other programs
///
/// Several files are read as if they were consecutive connections.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_EXPORT_HELP)]
pub struct ExportArgs {
    /// Recordings, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// Format of the output
    #[arg(long, value_name = "FORMAT")]
    pub format: ExportFormat,

    /// Rows of the table, only with `--format csv` [default: runs]
    #[arg(long, value_name = "ROWS")]
    pub rows: Option<Rows>,

    /// File to write, or `-` for standard output [default: standard output, unless that is a terminal]
    #[arg(long, short, value_name = "OUT")]
    pub output: Option<PathBuf>,
}

/// Write a page about the runs of recordings, for a browser or to print
///
/// Several files are read as if they were consecutive connections.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_REPORT_HELP)]
pub struct ReportArgs {
    /// Recordings, or `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// File to write, or `-` for standard output [default: standard output, unless that is a terminal]
    #[arg(long, short, value_name = "OUT")]
    pub output: Option<PathBuf>,

    /// Show times in this time zone: a name such as Europe/Berlin, UTC, an offset such as +02:00, or
    /// a POSIX rule [default: that of the system]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub time_zone: Option<DisplayZone>,
}

impl ExportArgs {
    /// Checks the arguments, before anything is read.
    ///
    /// # Errors
    ///
    /// Fails when a file does not exist, when the output cannot be chosen, or when the options
    /// contradict each other.
    pub fn check(&self) -> Result<Target, UsageError> {
        InspectArgs::check_files(&self.files, "export")?;
        if self.rows.is_some() && self.format != ExportFormat::Csv {
            return Err(UsageError::RowsWithoutCsv);
        }
        Target::of(self.output.as_deref(), &self.files)
    }
}

impl ReportArgs {
    /// Checks the arguments, before anything is read.
    ///
    /// # Errors
    ///
    /// Fails when a file does not exist or the output cannot be chosen.
    pub fn check(&self) -> Result<Target, UsageError> {
        InspectArgs::check_files(&self.files, "report")?;
        Target::of(self.output.as_deref(), &self.files)
    }
}

/// Destination of output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Standard output.
    Stdout,
    /// A file.
    File(PathBuf),
}

/// A failure to write the output.
#[derive(Debug, Error)]
pub enum OutputError {
    /// The file cannot be written.
    #[error("cannot write `{}`: {source}; choose another file with -o", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
}

impl Target {
    fn of(output: Option<&Path>, inputs: &[PathBuf]) -> Result<Self, UsageError> {
        match output {
            None if io::stdout().is_terminal() => Err(UsageError::OutputOnTerminal),
            None => Ok(Self::Stdout),
            Some(path) if path == Path::new(InspectArgs::STDIN) => Ok(Self::Stdout),
            Some(path) => {
                let real = fs::canonicalize(path).ok();
                let is_input =
                    |input: &&PathBuf| real.is_some() && fs::canonicalize(input).ok() == real;
                if inputs.iter().any(|input| is_input(&input)) {
                    return Err(UsageError::OutputIsInput { path: path.to_owned() });
                }
                Ok(Self::File(path.to_owned()))
            }
        }
    }

    /// Writes the output. A file is replaced once it is complete; a failure leaves the old one.
    ///
    /// # Errors
    ///
    /// Fails when the output cannot be written.
    pub fn write<T>(
        &self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> Result<T, OutputError> {
        let path = match self {
            Self::Stdout => {
                let mut out = BufWriter::new(io::stdout().lock());
                return flushed(write, &mut out).map_err(OutputError::Stdout);
            }
            Self::File(path) => path,
        };
        let failed = |source| OutputError::File { path: path.clone(), source };
        // A pipe or device cannot be replaced.
        if fs::metadata(path).is_ok_and(|it| !it.is_file()) {
            let mut out = BufWriter::new(File::options().write(true).open(path).map_err(failed)?);
            return flushed(write, &mut out).map_err(failed);
        }
        // A link stays one.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let mut part = path.clone().into_os_string();
        part.push(format!(".{}.part", std::process::id()));
        let written = File::create(&part).and_then(|file| {
            let mut out = BufWriter::new(file);
            let value = flushed(write, &mut out)?;
            fs::rename(&part, &path)?;
            Ok(value)
        });
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written.map_err(failed)
    }
}

fn flushed<T>(
    write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    out: &mut impl Write,
) -> io::Result<T> {
    let value = write(out)?;
    out.flush()?;
    Ok(value)
}
