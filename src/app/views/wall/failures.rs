//! Block of failures that are too many for tiles of their own, beside the tiles.

use super::block::BlockView;
use super::board_failures::{draw_failures, lay_out_failures};
use super::causes::Failures;
use crate::app::draw::Part;
use crate::layout::Rect;
use crate::protocol::RunId;

/// The failures and the place of their block.
#[derive(Clone, Debug, PartialEq)]
pub struct FailuresView {
    pub failures: Failures,
    pub rect: Rect,
}

impl BlockView for FailuresView {
    const PART: &'static str = "wall failures";

    fn draw(&self, part: &mut Part, names: &mut Vec<(RunId, Rect)>) {
        let Self { failures, rect } = self;
        let told = lay_out_failures(failures, rect.w, rect.h, part.palette);
        draw_failures(part, failures, &told, *rect, names);
    }
}
