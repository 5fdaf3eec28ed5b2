//! The wall as it looks; see `pixels`.

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
fn many_failures_beside_tiles_look_as_before() {
    assert_as_before("wall-failures", "wall", &[]);
}

#[test]
fn odd_runs_look_as_before() {
    assert_as_before("wall-odd", "wall", &[]);
}

#[test]
fn a_board_of_four_hundred_looks_as_before() {
    assert_as_before("many-400", "wall", &[]);
}

#[test]
fn a_board_of_ten_thousand_looks_as_before() {
    assert_as_before("many-10000", "wall", &[]);
}

#[test]
fn only_a_failure_is_solid_vermillion_on_the_wall_too() {
    let blocks = |scene| Picture::of_scene(scene, "wall", (960, 540)).0.solid_vermillion();
    assert!(blocks("wall-12") > 200);
    assert!(blocks("many-400") > 100);
    for scene in ["wall-1", "wall-3", "wall-40"] {
        assert_eq!(blocks(scene), 0, "{scene}");
    }
}
