//! Recording from the window: begins and ends it, names its file, and says what came of it.

use std::fs;
use std::path::{Path, PathBuf};

use bevy::prelude::*;
use crossbeam_channel::{Receiver, bounded};
use jiff::Timestamp;
use tracing::{error, info};

use super::starter::Starter;
use crate::app::draw::DrawClock;
use crate::app::overlays::notices::{Notice, Notices};
use crate::app::state::actions::Action;
use crate::app::state::link::Link;
use crate::app::state::opening::in_background;
use crate::source::recorder::{Recorder, RecorderError, RecorderSettings, RecorderSummary};
use crate::source::{ConnectionSettings, Waker};
use crate::text::{count_words, file_stem, size_words};
use crate::time_zone;

/// Number of names that are tried when a recording of the same second exists.
const MOST_NAMES: u32 = 9;

/// Folder of the recordings, and those whose last lines are being written.
#[derive(Resource, Default)]
pub struct Recordings {
    /// File that `--record` names.
    named: Option<RecorderSettings>,
    /// Folder of all other recordings; `None` where there is none.
    pub folder: Option<PathBuf>,
    ending: Vec<Receiver<RecorderSummary>>,
}

impl Recordings {
    pub(in crate::app) fn new(named: Option<RecorderSettings>) -> Self {
        Self { named, ..Self::default() }
    }

    /// Begins a recording of a source with this name.
    fn begin(&self, source: &str) -> Result<Recorder, String> {
        let named = self.named.as_ref();
        if let Some(named) = named.filter(|named| named.rotates() || !named.path.exists()) {
            return Recorder::start(named.clone()).map_err(|error| error.to_string());
        }
        let folder = match named {
            Some(named) => named.path.parent().unwrap_or(Path::new("")).to_owned(),
            None => {
                let folder = self.folder.clone().ok_or(
                    "there is no folder for recordings: set HOME, or name a file with --record",
                )?;
                fs::create_dir_all(&folder).map_err(|error| {
                    format!("cannot create the folder `{}`: {error}", folder.display())
                })?;
                folder
            }
        };
        let (stem, endings) = match named.and_then(|named| named.path.file_name()?.to_str()) {
            Some(name) => name.split_once('.').unwrap_or((name, "ndjson")),
            None => (source, "ndjson"),
        };
        let now = jiff::Timestamp::now().to_zoned(time_zone::current().zone().clone());
        let stem = format!("{}-{}", file_stem(stem), now.strftime("%Y-%m-%d-%H%M%S"));
        let mut number = 1;
        loop {
            let name = match number {
                1 => format!("{stem}.{endings}"),
                number => format!("{stem}-{number}.{endings}"),
            };
            let settings =
                RecorderSettings { path: folder.join(name), ..RecorderSettings::default() };
            match Recorder::start(settings) {
                Err(RecorderError::Exists { .. }) if number < MOST_NAMES => number += 1,
                started => return started.map_err(|error| error.to_string()),
            }
        }
    }

    /// Drops a source that was left, on a thread, and ends the recording where nothing is left to record.
    pub(super) fn leave(&mut self, left: impl Send + 'static, link: &mut Link, waker: Waker) {
        let recorder = if link.is_recording() { link.settings.recorder.take() } else { None };
        let (summary, ended) = bounded(1);
        if recorder.is_some() {
            self.ending.push(ended);
        }
        in_background(move || {
            // The source writes its last lines first.
            drop(left);
            if let Some(recorder) = recorder {
                let _ = summary.try_send(recorder.finish());
                waker();
            }
        });
    }

    fn end(&mut self, recorder: Recorder, waker: Waker) {
        let (summary, ended) = bounded(1);
        self.ending.push(ended);
        in_background(move || {
            let _ = summary.try_send(recorder.finish());
            waker();
        });
    }
}

/// Says what was recorded.
fn summary_words(summary: &RecorderSummary) -> String {
    let RecorderSummary { frames, lost, bytes, path, .. } = summary;
    let s = if *frames == 1 { "" } else { "s" };
    let missing = match lost {
        0 => String::new(),
        lost => format!("; {} are missing, because the disk was too slow", count_words(*lost)),
    };
    let (frames, size) = (count_words(*frames), size_words(*bytes));
    format!("{frames} message{s} ({size}) to {}{missing}", path.display())
}

pub(super) fn record(
    mut actions: MessageReader<Action>,
    mut link: ResMut<Link>,
    mut recordings: ResMut<Recordings>,
    mut notices: ResMut<Notices>,
    draw_clock: Res<DrawClock>,
    starter: Starter,
) {
    let at = Timestamp::now();
    let mut told: Vec<Notice> = Vec::new();
    let with = |link: &Link, recorder: Option<Recorder>| ConnectionSettings {
        recorder,
        ..link.settings.clone()
    };
    let toggles = actions.read().filter(|action| matches!(action, Action::ToggleRecording)).count();
    for _ in 0..toggles {
        if let Some(recorder) = link.settings.recorder.clone() {
            let settings = with(&link, None);
            link.configure(settings);
            recordings.end(recorder, starter.waker());
            continue;
        }
        let begun = match &link.source {
            None => Err("the app that embeds this display supplies the events".to_owned()),
            Some(source) if source.is_recording() => {
                Err("a recording is playing; return to the stream first".to_owned())
            }
            Some(_) => recordings.begin(&link.source_name()),
        };
        told.push(match begun {
            Ok(recorder) => {
                let words = format!("to {}", recorder.summary().path.display());
                info!("recording {words}");
                let settings = with(&link, Some(recorder));
                link.configure(settings);
                Notice::of_display("Recording", words, false, at)
            }
            Err(reason) => {
                error!("not recording: {reason}");
                link.log_error(at, format!("not recording: {reason}"));
                Notice::of_display("Not recording:", reason, true, at)
            }
        });
    }
    if let Some(recorder) = link.settings.recorder.clone()
        && let Some(reason) = recorder.failure()
    {
        // The source has told it in the log, if it has received anything since.
        if recorder.take_failure().is_some() {
            link.log_error(at, format!("recording has ended: {reason}"));
        }
        error!("recording has ended: {reason}");
        let settings = with(&link, None);
        link.configure(settings);
        told.push(Notice::of_display("Recording has ended:", reason, true, at));
    }
    if !recordings.ending.is_empty() {
        let ended = &mut recordings.ending;
        ended.retain(|summary| match summary.try_recv() {
            Ok(summary) => {
                let words = summary_words(&summary);
                info!("recorded {words}");
                told.push(Notice::of_display("Recorded", words, false, at));
                false
            }
            Err(error) => error.is_empty(),
        });
    }
    for notice in told {
        notices.tell(notice, draw_clock.secs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_says_how_much_was_recorded_where() {
        let mut summary = RecorderSummary {
            frames: 1,
            lost: 0,
            bytes: 3 << 20,
            files: 1,
            path: "/tapes/studio.ndjson".into(),
        };
        assert_eq!(summary_words(&summary), "1 message (3 MiB) to /tapes/studio.ndjson");
        (summary.frames, summary.lost) = (12_345, 7);
        assert_eq!(
            summary_words(&summary),
            "12,345 messages (3 MiB) to /tapes/studio.ndjson; 7 are missing, because the disk was too slow"
        );
    }
}
