//! Reference pictures of the stage, in `tests/app/pixels`. After an intended change
//! `METERBRIDGE_UPDATE_PIXELS=1 cargo test --test app pixels` takes them again: look at each of them
//! before you commit it.

use std::path::Path;

use super::picture::{CLOCKS, Difference, Picture, Rectangle};

const SIZE: (usize, usize) = (960, 540);
const PORTRAIT: (usize, usize) = (540, 960);
/// Allowed change of edges by another version of the renderer; any visible change is far above it.
const TOLERANCE: Difference = Difference { mean: 0.25, far: 0.001 };

#[track_caller]
pub fn assert_as_before(scene: &str, take: &str, covered: &[Rectangle]) {
    let size = if take == "portrait" { PORTRAIT } else { SIZE };
    let (picture, path) = Picture::of_scene(scene, take, size);
    let name = if take == "stage" { scene.to_owned() } else { format!("{scene}-{take}") };
    let reference =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/app/pixels/{name}.png"));
    if std::env::var_os("METERBRIDGE_UPDATE_PIXELS").is_some() {
        std::fs::copy(&path, &reference).unwrap();
    }
    let expected = Picture::read(&reference);
    let found = picture.covered(covered).difference(&expected.covered(covered));
    assert!(
        found.mean <= TOLERANCE.mean && found.far <= TOLERANCE.far,
        "{name} looks different: {found:?}; compare {} with {}",
        path.display(),
        reference.display()
    );
}

#[test]
fn mid_run_looks_as_before() {
    assert_as_before("mid-run", "stage", &[]);
}

#[test]
fn failed_looks_as_before() {
    assert_as_before("failed", "stage", &[]);
}

#[test]
fn portrait_stages_look_as_before() {
    assert_as_before("failed", "portrait", &[]);
    assert_as_before("second-fix-pass", "portrait", &[]);
}

#[test]
fn second_fix_pass_looks_as_before() {
    assert_as_before("second-fix-pass", "stage", &[]);
}

#[test]
fn cancelled_looks_as_before() {
    assert_as_before("cancelled", "stage", &[]);
}

#[test]
fn several_nodes_look_as_before() {
    assert_as_before("several-nodes", "stage", &[]);
}

#[test]
fn a_long_error_looks_as_before() {
    assert_as_before("long-error", "stage", &[]);
}

#[test]
fn a_failure_in_light_looks_as_before() {
    assert_as_before("failed", "light", &[]);
}

#[test]
fn a_failure_in_high_contrast_looks_as_before() {
    assert_as_before("failed", "high-contrast", &[]);
}

#[test]
fn the_panel_in_light_looks_as_before() {
    assert_as_before("12-runs", "panel-light", &[]);
}

#[test]
fn the_panel_looks_as_before() {
    assert_as_before("12-runs", "panel", &[]);
}

#[test]
fn waiting_looks_as_before() {
    assert_as_before("waiting", "stage", &CLOCKS);
}

/// Solid vermillion tells from across the room that something failed.
#[test]
fn only_a_failure_is_solid_vermillion() {
    for scene in ["failed", "failed-first", "failed-run-without-node", "failed-fix"] {
        let (picture, _) = Picture::of_scene(scene, "stage", SIZE);
        // The bar alone is 1840 by 84 of 1920 by 1080 pixels, partly covered by its text.
        let blocks = picture.solid_vermillion();
        assert!(blocks > 200, "{scene}: {blocks} solid squares");
    }
    for scene in ["mid-run", "completed", "cancelled", "several-nodes", "slow-node", "waiting"] {
        let (picture, _) = Picture::of_scene(scene, "stage", SIZE);
        assert_eq!(picture.solid_vermillion(), 0, "{scene}");
    }
}

#[test]
fn same_moment_gives_the_same_picture() {
    let (first, _) = Picture::of_scene("second-fix-pass", "stage", SIZE);
    let (second, _) = Picture::of_scene("second-fix-pass", "again", SIZE);
    assert!(first == second, "{:?}", first.difference(&second));
}

/// More pixels make the picture sharper, never smaller.
#[test]
fn four_times_the_pixels_give_the_same_picture() {
    let (large, _) = Picture::of_scene("failed", "4k", (3840, 2160));
    let (small, _) = Picture::of_scene("failed", "hd", (1920, 1080));
    let found = large.halved().difference(&small);
    assert!(found.mean < 1.5 && found.far < 0.03, "{found:?}");
}

/// Guards the tolerance: another title counts as a difference.
#[test]
fn visible_change_exceeds_the_tolerance() {
    let (running, _) = Picture::of_scene("mid-run", "stage", SIZE);
    let (other, _) = Picture::of_scene("long-title", "stage", SIZE);
    let found = running.difference(&other);
    assert!(found.far > 2.0 * TOLERANCE.far, "{found:?}");
}
