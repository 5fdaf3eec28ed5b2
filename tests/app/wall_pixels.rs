//! Reference pictures of the wall; see `pixels`.

use super::picture::Picture;
use super::pixels::assert_as_before;

#[test]
fn a_wall_of_one_looks_as_before() {
    assert_as_before("wall-1", "wall", &[]);
}

#[test]
fn a_wall_of_three_looks_as_before() {
    assert_as_before("wall-3", "wall", &[]);
}

#[test]
fn a_wall_of_twelve_looks_as_before() {
    assert_as_before("wall-12", "wall", &[]);
}

#[test]
fn a_wall_of_forty_looks_as_before() {
    assert_as_before("wall-40", "wall", &[]);
}

#[test]
fn a_timing_board_looks_as_before() {
    assert_as_before("wall-36", "wall", &[]);
    assert_as_before("wall-36", "wall-light", &[]);
    assert_as_before("wall-36", "wall-high-contrast", &[]);
}

#[test]
fn tiles_of_variants_look_as_before() {
    assert_as_before("wall-variants", "wall", &[]);
}

#[test]
fn failures_of_one_cause_share_a_tile_and_look_as_before() {
    assert_as_before("wall-same-cause", "wall", &[]);
}

#[test]
fn slabs_of_several_causes_look_as_before() {
    assert_as_before("wall-causes", "wall", &[]);
}

#[test]
fn many_failures_beside_tiles_look_as_before() {
    assert_as_before("wall-failures", "wall", &[]);
}

#[test]
fn odd_runs_look_as_before() {
    assert_as_before("wall-odd", "wall", &[]);
}

/// Titles in scripts that the embedded fonts lack use the system's fonts and stay inside their tiles.
#[test]
fn names_in_other_scripts_look_as_before() {
    assert_as_before("wall-scripts", "wall", &[]);
    assert_as_before("wall-scripts", "panel", &[]);
}

#[test]
fn a_board_of_four_hundred_looks_as_before() {
    assert_as_before("many-400", "wall", &[]);
}

#[test]
fn a_board_with_a_jam_looks_as_before() {
    assert_as_before("jammed", "wall", &[]);
}

#[test]
fn a_board_of_ten_thousand_looks_as_before() {
    assert_as_before("many-10000", "wall", &[]);
}

#[test]
fn a_wall_in_light_looks_as_before() {
    assert_as_before("wall-12", "wall-light", &[]);
}

#[test]
fn a_wall_in_high_contrast_looks_as_before() {
    assert_as_before("wall-12", "wall-high-contrast", &[]);
}

#[test]
fn a_board_in_light_looks_as_before() {
    assert_as_before("many-400", "wall-light", &[]);
}

#[test]
fn a_board_in_high_contrast_looks_as_before() {
    assert_as_before("many-400", "wall-high-contrast", &[]);
}

/// High contrast uses pure black and white: no shade lies between text and background.
#[test]
fn high_contrast_has_a_single_background() {
    let (picture, _) = Picture::of_scene("wall-12", "wall-high-contrast", (960, 540));
    let black = picture.pixels.iter().filter(|pixel| pixel[..3] == [0, 0, 0]).count();
    assert!(black * 10 > picture.pixels.len() * 7, "{black} of {}", picture.pixels.len());
}

#[test]
fn only_a_failure_is_solid_vermillion_on_the_wall_too() {
    let blocks = |scene| Picture::of_scene(scene, "wall", (960, 540)).0.solid_vermillion();
    assert!(blocks("wall-12") > 200);
    assert!(blocks("jammed") > 100);
    for scene in ["wall-1", "wall-3", "wall-40"] {
        assert_eq!(blocks(scene), 0, "{scene}");
    }
    // A constant trickle of failures paints no panel, only the bars of their trend.
    assert!(blocks("many-400") < 12);
}
