//! Takes the pictures of the documentation from the recordings in `tests/fixtures/scenes`:
//! `cargo run --example screenshots -- [OUTDIR]`, `docs/screenshots` without. They are the same
//! wherever they are taken: the clock on them shows UTC.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use meterbridge::app::snapshot;
use meterbridge::cli::{Moment, Size, SnapshotRequest};
use meterbridge::config::{Settings, ThemeName, ViewName};
use meterbridge::source::SourceSpec;

struct Picture {
    name: &'static str,
    /// Of the recording.
    scene: &'static str,
    view: ViewName,
    theme: ThemeName,
    panel: bool,
}

const fn picture(name: &'static str, scene: &'static str, view: ViewName) -> Picture {
    Picture { name, scene, view, theme: ThemeName::Dark, panel: false }
}

const fn in_theme(theme: ThemeName, picture: Picture) -> Picture {
    Picture { theme, ..picture }
}

const PICTURES: &[Picture] = &[
    picture("stage-waiting", "waiting", ViewName::Stage),
    picture("stage-mid-run", "mid-run", ViewName::Stage),
    picture("stage-second-fix-pass", "second-fix-pass", ViewName::Stage),
    picture("stage-failed", "failed", ViewName::Stage),
    picture("stage-cancelled", "cancelled", ViewName::Stage),
    picture("stage-several-nodes", "several-nodes", ViewName::Stage),
    picture("stage-long-error", "long-error", ViewName::Stage),
    picture("wall-three", "wall-3", ViewName::Wall),
    picture("wall-twelve", "wall-12", ViewName::Wall),
    picture("wall-forty", "wall-40", ViewName::Wall),
    Picture { panel: true, ..picture("panel", "12-runs", ViewName::Stage) },
    in_theme(ThemeName::Light, picture("light-wall", "wall-12", ViewName::Wall)),
    in_theme(ThemeName::Light, picture("light-stage-failed", "failed", ViewName::Stage)),
    in_theme(ThemeName::Light, picture("light-board", "400-runs", ViewName::Wall)),
    in_theme(ThemeName::HighContrast, picture("high-contrast-wall", "wall-12", ViewName::Wall)),
    in_theme(
        ThemeName::HighContrast,
        picture("high-contrast-stage-failed", "failed", ViewName::Stage),
    ),
];
const SIZES: [Size; 2] = [Size { width: 1920, height: 1080 }, Size { width: 3840, height: 2160 }];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => take_all(Path::new("docs/screenshots")),
        [folder] => take_all(Path::new(folder)),
        [folder, picture, width] => take(Path::new(folder), picture, width.parse()?),
        _ => anyhow::bail!("expected at most one argument, the folder to write to"),
    }
}

/// Each picture is taken by a process of its own: the time zone cannot be set from within, and an
/// application starts its log once.
fn take_all(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("`{}` could not be made", folder.display()))?;
    for Picture { name, .. } in PICTURES {
        for size in SIZES {
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
    let Picture { name, scene, view, theme, panel } = PICTURES
        .iter()
        .find(|known| known.name == picture)
        .with_context(|| format!("there is no picture `{picture}`"))?;
    let size = SIZES
        .into_iter()
        .find(|size| size.width == width)
        .with_context(|| format!("no picture is {width} pixels wide"))?;
    let scenes = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes");
    let mut settings = Settings::default();
    settings.view.view = *view;
    settings.view.theme = *theme;
    settings.view.panel = Some(*panel);
    let output = folder.join(format!("{name}-{}x{}.png", size.width, size.height));
    let shown = output.display().to_string();
    snapshot(SnapshotRequest {
        source: SourceSpec::Recording(scenes.join(format!("{scene}.ndjson"))),
        settings,
        size,
        at: Moment::End,
        output,
    })?;
    println!("{shown}");
    Ok(())
}
