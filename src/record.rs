//! `meterbridge record`: records what a source sends, without a window.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::drain;
use crate::server::signals::Signals;
use crate::source::recorder::{
    FLUSH_INTERVAL, Recorder, RecorderError, RecorderSettings, RecorderSummary,
};
use crate::source::{
    Address, ConnectionEvent, ConnectionLogEntry, ConnectionSettings, ConnectionState, Signal,
    spawn,
};
use crate::text::{self, count_words, length_words, size_words};

/// Source to record, and the files to write.
#[derive(Clone, Debug)]
pub struct RecordRequest {
    /// Address of a stream or a backend.
    pub source: Address,
    /// How to connect.
    pub connection: ConnectionSettings,
    /// Files to write.
    pub recorder: RecorderSettings,
}

/// Reason why recording cannot begin or go on.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The file cannot be created.
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    /// Writing failed.
    #[error("{0}")]
    Writing(String),
    /// The connection has ended for good.
    #[error("{0}")]
    Source(String),
    /// The signals that end the program cannot be received.
    #[error("cannot listen for Ctrl-C: {0}")]
    Signals(io::Error),
}

/// Records until Ctrl-C or SIGTERM, then writes what waits and says what was recorded. Connects again for
/// as long as it takes. Standard error has the changes of the connection.
///
/// # Errors
///
/// Fails when the file cannot be created or written, or when connecting again cannot help. What was
/// received before is in the file.
pub async fn run(request: RecordRequest) -> Result<(), RecordError> {
    let RecordRequest { source: address, mut connection, recorder } = request;
    let mut signals = Signals::listen().map_err(RecordError::Signals)?;
    let began = Instant::now();
    let recorder = Recorder::start(recorder)?;
    connection.recorder = Some(recorder.clone());
    let api = connection.api.clone();
    let woken = Arc::new(Notify::new());
    let waking = woken.clone();
    let waker = Arc::new(move || waking.notify_one());
    let path = recorder.summary().path;
    let path = text::one_line(&path.display().to_string()).into_owned();
    // A closed stdout must not end the recording.
    let _ = writeln!(io::stdout(), "Recording {address} to {path}. Ctrl-C ends it.");
    let source = spawn(Some(address.as_str().to_owned()), connection, waker);
    let failed = loop {
        tokio::select! {
            () = signals.received() => break None,
            () = woken.notified() => {}
            // A failure of the disk shows when nothing arrives, too.
            () = sleep(FLUSH_INTERVAL) => {}
        }
        if let Some(failure) = recorder.failure() {
            break Some(RecordError::Writing(failure));
        }
        let ends = source.signals.try_iter().find_map(|signal| match signal {
            Signal::Log(entry) => {
                tell(&entry);
                None
            }
            Signal::State(ConnectionState::Failed { reason, is_probed: false, .. }) => Some(reason),
            _ => None,
        });
        if let Some(reason) = ends {
            break Some(RecordError::Source(reason));
        }
    };
    drop(source);
    let summary = recorder.finish();
    let failed = failed.or_else(|| recorder.failure().map(RecordError::Writing));
    let _ = writeln!(io::stdout(), "{}", summary_words(&summary, began.elapsed()));
    drain::wait_for_held_runs(api.budget.held(), api.drain, signals.received()).await;
    failed.map_or(Ok(()), Err)
}

/// Writes a change of the connection to standard error.
fn tell(entry: &ConnectionLogEntry) {
    let words = match &entry.event {
        ConnectionEvent::Connecting => return,
        ConnectionEvent::Connected => format!("connected to {}", entry.url),
        ConnectionEvent::Disconnected { code: Some(code), reason } => {
            format!("disconnected ({code}): {reason}")
        }
        ConnectionEvent::Disconnected { code: None, reason } => format!("disconnected: {reason}"),
        ConnectionEvent::Error { message } | ConnectionEvent::Note { message } => message.clone(),
    };
    let _ = writeln!(io::stderr(), "{}", text::clean(&words));
}

/// Says what was recorded.
pub fn summary_words(summary: &RecorderSummary, passed: Duration) -> String {
    let RecorderSummary { frames, lost, bytes, files, path } = summary;
    let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
    let s = if *frames == 1 { "" } else { "s" };
    let mut words =
        format!("Recorded {} message{s} in {}", count_words(*frames), length_words(millis));
    let path = path.display().to_string();
    let path = text::one_line(&path);
    let size = size_words(*bytes);
    words += &match files {
        0 | 1 => format!(" to {path} ({size})"),
        _ => format!(" to {files} files, the last of them {path} ({size})"),
    };
    if *lost > 0 {
        words +=
            &format!("; {} more are missing, because the disk was too slow", count_words(*lost));
    }
    words + "."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_names_files_and_losses() {
        let mut summary = RecorderSummary {
            frames: 12_345,
            lost: 0,
            bytes: 3 << 20,
            files: 1,
            path: "studio.ndjson".into(),
        };
        let hour = Duration::from_secs(3_720);
        assert_eq!(
            summary_words(&summary, hour),
            "Recorded 12,345 messages in 1 h 2 min to studio.ndjson (3 MiB)."
        );
        (summary.files, summary.lost, summary.path) = (3, 7, "studio-0003.ndjson".into());
        assert_eq!(
            summary_words(&summary, hour),
            "Recorded 12,345 messages in 1 h 2 min to 3 files, the last of them studio-0003.ndjson (3 \
             MiB); 7 more are missing, because the disk was too slow."
        );
    }
}
