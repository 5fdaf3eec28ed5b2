//! Durations from which estimates are made, kept between two sessions: one file for each server.
//!
//! The demo studio and recordings keep nothing: the one begins anew each time, the others have their own time.

use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bevy::app::AppExit;
use bevy::prelude::*;
use foldhash::fast::FixedState;
use tracing::warn;

use crate::app::state::link::Link;
use crate::app::state::opening::in_background;
use crate::app::state::run_store::RunStore;
use crate::app::systems::AppSystems;
use crate::model::{EstimateRecord, Model};
use crate::replace_file::replace;
use crate::source::{SourceSpec, redact};

/// Interval between two writes while runs complete.
const WRITTEN_EACH: Duration = Duration::from_secs(60);
/// Most characters of an address in the name of a file.
const MOST_OF_AN_ADDRESS: usize = 60;

/// Files with what estimates are made from.
#[derive(Resource)]
struct EstimateFiles {
    folder: PathBuf,
    /// File of the current source.
    current: Option<PathBuf>,
    /// Number of runs that the file, as it was read or written last, has learned from.
    written_runs: u64,
    written_at: Duration,
    /// True when the model has also learned from another server, so that nothing is written.
    is_mixed: bool,
    /// True after a write failed, which is told once.
    is_told: Arc<AtomicBool>,
}

/// Keeps what estimates are made from in files of this folder.
pub(super) fn plugin(app: &mut App, folder: PathBuf) {
    app.insert_resource(EstimateFiles {
        folder,
        current: None,
        written_runs: 0,
        written_at: Duration::ZERO,
        is_mixed: false,
        is_told: Arc::default(),
    })
    .add_systems(PreUpdate, read.after(AppSystems::Open).before(AppSystems::Ingest))
    .add_systems(Last, write);
}

/// Reads the file of a source when it is chosen, before anything of it is received.
fn read(mut files: ResMut<EstimateFiles>, link: Res<Link>, mut run_store: ResMut<RunStore>) {
    let file = file_of(&files.folder, &link);
    if file == files.current {
        return;
    }
    files.save(run_store.live(), false);
    files.current = file;
    files.written_runs = 0;
    files.is_mixed = !run_store.live().is_empty();
    let Some(file) = &files.current else { return };
    match read_record(file) {
        Ok(Some(record)) => {
            run_store.continue_from(&record);
            files.written_runs = run_store.live().learned_runs();
        }
        Ok(None) => {}
        Err(reason) => warn!(
            "estimates of earlier sessions in `{}` cannot be used, and start afresh: {reason}",
            file.display()
        ),
    }
}

fn read_record(file: &Path) -> Result<Option<EstimateRecord>, String> {
    match fs::read_to_string(file) {
        Ok(text) => EstimateRecord::from_json(&text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Writes the file when runs have completed, at most once a minute, and at the end of the program.
fn write(
    mut files: ResMut<EstimateFiles>,
    run_store: Res<RunStore>,
    time: Res<Time<Real>>,
    mut exits: MessageReader<AppExit>,
) {
    let ends = exits.read().count() > 0;
    if !ends && time.elapsed() < files.written_at + WRITTEN_EACH {
        return;
    }
    files.written_at = time.elapsed();
    files.save(run_store.live(), ends);
}

impl EstimateFiles {
    /// Writes the current file if the model has learned from runs that are not in it. `waits` until it is
    /// written, which a frame does not.
    fn save(&mut self, model: &Model, waits: bool) {
        let (Some(file), runs) = (&self.current, model.learned_runs()) else { return };
        if self.is_mixed || runs <= self.written_runs {
            return;
        }
        let (file, text) = (file.clone(), model.estimate_record().to_json());
        let is_told = self.is_told.clone();
        let work = move || {
            if let Err(error) = replace(&file, &text)
                && !is_told.swap(true, Ordering::Relaxed)
            {
                warn!("estimates cannot be kept in `{}`: {error}", file.display());
            }
        };
        if waits {
            work();
        } else {
            in_background(work);
        }
        self.written_runs = runs;
    }
}

/// Returns the file of a source: its address without secrets, made fit for a file's name, and a hash of it.
fn file_of(folder: &Path, link: &Link) -> Option<PathBuf> {
    if !matches!(link.source, Some(SourceSpec::WebSocket(_) | SourceSpec::Api(_))) {
        return None;
    }
    let address = redact(&link.url);
    let short: String = address
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' })
        .take(MOST_OF_AN_ADDRESS)
        .collect();
    let hash = FixedState::with_seed(0).hash_one(&address);
    Some(folder.join(format!("{short}-{:08x}.json", hash as u32)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::model::Retention;
    use crate::protocol::Batch;

    fn app(folder: &Path, url: &str) -> App {
        let mut app = App::new();
        let source = SourceSpec::of_address(url);
        let mut link = Link::new(&Settings::default(), Some(source));
        url.clone_into(&mut link.url);
        app.insert_resource(link)
            .insert_resource(RunStore::new(Retention::default()))
            .init_resource::<Time<Real>>()
            .add_message::<AppExit>();
        plugin(&mut app, folder.to_owned());
        app.update();
        app
    }

    /// Three runs that finish, and what the display knows of them afterwards.
    fn finish_three_runs(app: &mut App) {
        let mut batch = Batch::new("2026-11-23T10:30:00Z".parse().unwrap(), true);
        for run in 0..3 {
            for (second, rest) in [
                (0, r#""phase":"start""#),
                (0, r#""node_name":"PLAN","phase":"start""#),
                (9, r#""node_name":"PLAN","phase":"end""#),
                (9, r#""phase":"end""#),
            ] {
                batch.push_text(&format!(
                    r#"{{"ts":"2026-11-23T10:00:0{second}Z","run_id":"run-{run}",{rest}}}"#
                ));
            }
        }
        app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| {});
    }

    fn learned(app: &App) -> u64 {
        app.world().resource::<RunStore>().live().learned_runs()
    }

    #[test]
    fn next_session_of_a_server_begins_with_what_the_last_one_learned() {
        let folder =
            std::env::temp_dir().join(format!("meterbridge-estimates-{}", std::process::id()));
        let url = "ws://ann:secret@studio:9100/events?token=abc";
        let mut first = app(&folder, url);
        assert_eq!(learned(&first), 0);
        finish_three_runs(&mut first);
        first.world_mut().write_message(AppExit::Success);
        first.update();
        let mut second = app(&folder, url);
        assert_eq!(learned(&second), 3);
        finish_three_runs(&mut second);
        assert_eq!(learned(&second), 3, "the server tells of the same runs again");
        assert_eq!(learned(&app(&folder, "ws://other:9100/events")), 0);
        let names: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names.len(), 1, "{names:?}");
        assert!(names[0].starts_with("ws---") && names[0].contains("studio-9100-events"));
        assert!(!names[0].contains("secret") && !names[0].contains("abc"), "{names:?}");
        fs::write(folder.join(&names[0]), "{\"version\":1").unwrap();
        assert_eq!(learned(&app(&folder, url)), 0, "a damaged file is not used");
        fs::remove_dir_all(folder).unwrap();
    }

    /// The model keeps the runs of the first server when another address is typed.
    #[test]
    fn runs_of_one_server_are_not_written_for_another() {
        let name = format!("meterbridge-estimates-of-two-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let (one, other) = ("ws://one:9100/events", "ws://other:9100/events");
        let mut shown = app(&folder, one);
        finish_three_runs(&mut shown);
        shown.world_mut().write_message(AppExit::Success);
        shown.update();
        other.clone_into(&mut shown.world_mut().resource_mut::<Link>().url);
        shown.update();
        shown.world_mut().write_message(AppExit::Success);
        shown.update();
        assert_eq!(learned(&app(&folder, one)), 3);
        assert_eq!(learned(&app(&folder, other)), 0);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn demo_and_recordings_keep_nothing() {
        let link = |source| Link::new(&Settings::default(), Some(source));
        let folder = Path::new("/state");
        assert_eq!(file_of(folder, &link(SourceSpec::Demo)), None);
        let recording = SourceSpec::Recording(Path::new("tape.ndjson").into());
        assert_eq!(file_of(folder, &link(recording)), None);
    }
}
