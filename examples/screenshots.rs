//! Takes the documentation's pictures from the recordings in `tests/fixtures/scenes`, from generated
//! studios of hundreds and thousands of runs, and from a demo studio that goes away: `cargo run
//! --example screenshots -- [OUTDIR [PICTURE]]`, by default into `docs/screenshots`. All but the last
//! kind are the same on every machine: their clock shows UTC.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use meterbridge::app::snapshot;
use meterbridge::config::{Moment, Settings, Size, SnapshotRequest, ThemeName, ViewName};
use meterbridge::demo::{self, DemoOptions};
use meterbridge::source::SourceSpec;

#[allow(dead_code, unused_imports, clippy::unwrap_used, reason = "the tests use more of it")]
#[path = "../tests/app/scenes.rs"]
mod scenes;
#[allow(dead_code, unused_imports, clippy::unwrap_used, reason = "the tests use more of it")]
#[path = "../tests/app/tape.rs"]
mod tape;
#[allow(dead_code, unused_imports, clippy::unwrap_used, reason = "the tests use more of it")]
#[path = "../tests/app/wall_scenes.rs"]
mod wall_scenes;

/// Origin of a picture.
#[derive(Clone, Copy)]
enum Scene {
    /// A recording.
    Recorded(&'static str),
    /// Generated studio with this many runs.
    Many(usize),
    /// A demo studio that went away.
    Lost,
}

struct Picture {
    name: &'static str,
    scene: Scene,
    view: ViewName,
    theme: ThemeName,
    panel: bool,
    sizes: [Size; 2],
}

const fn size(width: u32, height: u32) -> Size {
    Size { width, height }
}

const fn picture(name: &'static str, scene: Scene, view: ViewName) -> Picture {
    let sizes = [size(1920, 1080), size(3840, 2160)];
    Picture { name, scene, view, theme: ThemeName::Dark, panel: false, sizes }
}

const fn stage(name: &'static str, scene: &'static str) -> Picture {
    picture(name, Scene::Recorded(scene), ViewName::Stage)
}

const fn wall(name: &'static str, scene: &'static str) -> Picture {
    picture(name, Scene::Recorded(scene), ViewName::Wall)
}

const fn board(name: &'static str, runs: usize) -> Picture {
    picture(name, Scene::Many(runs), ViewName::Wall)
}

const fn light(picture: Picture) -> Picture {
    Picture { theme: ThemeName::Light, ..picture }
}

const fn high_contrast(picture: Picture) -> Picture {
    Picture { theme: ThemeName::HighContrast, ..picture }
}

const fn portrait(picture: Picture) -> Picture {
    Picture { sizes: [size(1080, 1920), size(2160, 3840)], ..picture }
}

const PICTURES: &[Picture] = &[
    stage("stage-waiting", "waiting"),
    stage("stage-mid-run", "mid-run"),
    stage("stage-second-fix-pass", "second-fix-pass"),
    stage("stage-failed", "failed"),
    stage("stage-cancelled", "cancelled"),
    stage("stage-several-nodes", "several-nodes"),
    stage("stage-long-error", "long-error"),
    portrait(stage("portrait-stage-failed", "failed")),
    picture("stage-disconnected", Scene::Lost, ViewName::Stage),
    wall("wall-none", "waiting"),
    wall("wall-one", "wall-1"),
    wall("wall-three", "wall-3"),
    wall("wall-twelve", "wall-12"),
    wall("wall-forty", "wall-40"),
    wall("wall-failures", "wall-failures"),
    wall("wall-stale", "wall-stale"),
    board("wall-400", 400),
    board("wall-10000", 10_000),
    picture("wall-disconnected", Scene::Lost, ViewName::Wall),
    portrait(wall("portrait-wall-twelve", "wall-12")),
    portrait(board("portrait-wall-400", 400)),
    Picture { panel: true, ..stage("panel", "12-runs") },
    light(wall("light-wall", "wall-12")),
    light(stage("light-stage-failed", "failed")),
    light(board("light-board", 400)),
    high_contrast(wall("high-contrast-wall", "wall-12")),
    high_contrast(stage("high-contrast-stage-failed", "failed")),
    high_contrast(board("high-contrast-board", 400)),
];
/// Time for which a studio is watched before it goes away, and from then until the picture.
const WATCHED: Duration = Duration::from_secs(20);
const LOST: Duration = Duration::from_secs(8);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => take_all(Path::new("docs/screenshots"), None),
        [folder] => take_all(Path::new(folder), None),
        [folder, picture] => take_all(Path::new(folder), Some(picture)),
        [folder, picture, width] => take(Path::new(folder), picture, width.parse()?),
        _ => bail!("expected the folder to write to and the name of a picture, or less"),
    }
}

/// Takes each picture in a process of its own, because a process cannot change its time zone and an
/// application can start its log only once.
fn take_all(folder: &Path, only: Option<&str>) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("`{}` could not be made", folder.display()))?;
    for Picture { name, sizes, .. } in PICTURES {
        if only.is_some_and(|only| only != *name) {
            continue;
        }
        for size in sizes {
            let width = size.width.to_string();
            let status = Command::new(std::env::current_exe()?)
                .arg(folder)
                .args([name, width.as_str()])
                .env("TZ", "UTC")
                .status()?;
            ensure!(status.success(), "{name} was not taken, {} pixels wide", size.width);
        }
    }
    Ok(())
}

fn take(folder: &Path, picture: &str, width: u32) -> Result<()> {
    let Picture { name, scene, view, theme, panel, sizes } = PICTURES
        .iter()
        .find(|known| known.name == picture)
        .with_context(|| format!("there is no picture `{picture}`"))?;
    let size = sizes
        .iter()
        .copied()
        .find(|size| size.width == width)
        .with_context(|| format!("it is not taken {width} pixels wide"))?;
    let mut settings = Settings::default();
    settings.view.view = *view;
    settings.view.theme = *theme;
    settings.view.panel = Some(*panel);
    let output = folder.join(format!("{name}-{}x{}.png", size.width, size.height));
    let shown = output.display().to_string();
    let (source, at) = match scene {
        Scene::Recorded(scene) => (SourceSpec::Recording(scenes::path(scene).into()), Moment::End),
        Scene::Many(runs) => (SourceSpec::Recording(many(*runs)?.into()), Moment::End),
        Scene::Lost => (lost()?, Moment::Seconds((WATCHED + LOST).as_secs_f64())),
    };
    snapshot(SnapshotRequest { source, settings, size, at, as_of: None, paused: false, output })?;
    println!("{shown}");
    Ok(())
}

/// Writes the recording of a studio with `runs` runs and returns its path.
fn many(runs: usize) -> Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("meterbridge-{runs}-runs.ndjson"));
    std::fs::write(&path, wall_scenes::many(runs).write())
        .with_context(|| format!("`{}` could not be written", path.display()))?;
    Ok(path)
}

/// Returns a studio that goes away while it is watched.
fn lost() -> Result<SourceSpec> {
    let studio = demo::spawn_thread(DemoOptions::default())?;
    let source = SourceSpec::WebSocket(studio.url().into());
    std::thread::spawn(move || {
        std::thread::sleep(WATCHED);
        drop(studio);
    });
    Ok(source)
}
