//! Layout of the board, the form of the wall for more runs than rows: why runs fail, where runs are now,
//! and how many finish, in three columns with one bottom edge, or below each other on a portrait screen.

use super::{CanvasSize, Rect, wall_area};
use crate::bounded::bounded;

/// Gap between two columns.
const GAP: f32 = 44.0;
/// Widths of the columns on a 16:9 screen, as parts of what the gaps leave.
const SIDE: f32 = 540.0;
const MIDDLE: f32 = 640.0;
/// Least height of parts below each other at scale 1, and of the causes among them.
const STACKED_HEIGHT: f32 = 1_400.0;
const STACKED_CAUSES: f32 = 400.0;
/// Least width and height of two and of three columns at scale 1.
const TWO: (f32, f32) = (1_005.0, 930.0);
const THREE: (f32, f32) = (1_508.0, 752.0);
/// Height of a column's head.
const HEAD: f32 = 44.0;
/// Gap below the leading cause, and between the cards of the others.
const CARDS_GAP: f32 = 16.0;
const CARD_GAP: f32 = 12.0;
/// Least height of the leading cause, its height with names, and the heights of a card.
const LEAD: f32 = 352.0;
const LEAD_WITH_NAMES: f32 = 424.0;
const CARD: (f32, f32) = (92.0, 128.0);

/// Areas of a board, with their heads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Board {
    /// Why runs fail.
    pub causes: Rect,
    /// Present place of runs.
    pub now: Rect,
    /// Finished a minute.
    pub pace: Rect,
    /// Just finished, or how long they took.
    pub below: Rect,
    /// True when the leading cause stands beside the others, and the two parts about finished runs beside
    /// each other.
    pub stacked: bool,
    /// Factor of all lengths and type sizes.
    pub scale: f32,
}

/// Lays out a board on a screen: in three columns, on a portrait screen below each other, and in two
/// columns where that is too low.
pub fn lay_out_board(canvas_size: &CanvasSize) -> Board {
    let area = wall_area(canvas_size);
    if !canvas_size.is_portrait() {
        return in_three(area, 1.0);
    }
    let scale = canvas_size.portrait_scale();
    if area.h >= STACKED_HEIGHT * scale {
        return stacked(area, scale);
    }
    // The form in which type is largest.
    let two = (area.h / TWO.1).min(area.w / TWO.0);
    let three = (area.h / THREE.1).min(area.w / THREE.0);
    if two >= three { in_two(area, two.min(scale)) } else { in_three(area, three.min(scale)) }
}

fn in_three(area: Rect, scale: f32) -> Board {
    let gap = GAP * scale;
    let (side, middle) = (SIDE * scale, MIDDLE * scale);
    let room = (area.w - 2.0 * gap).max(3.0);
    // A wider screen widens the bars in the middle, then those at the right; a narrower one all of them.
    let extra = (room - 2.0 * side - middle).max(0.0);
    let shrink = (room / (2.0 * side + middle)).min(1.0);
    let causes = side * shrink + extra * 0.1;
    let now = middle * shrink + extra * 0.55;
    let right = area.x + causes + now + 2.0 * gap;
    let column = |x: f32, w: f32| Rect::new(x, area.y, w.max(1.0), area.h);
    let finished = column(right, area.right() - right);
    let pace_h = finished.h * 0.46;
    Board {
        causes: column(area.x, causes),
        now: column(area.x + causes + gap, now),
        pace: Rect { h: pace_h, ..finished },
        below: Rect { y: finished.y + pace_h, h: finished.h - pace_h, ..finished },
        stacked: false,
        scale,
    }
}

fn in_two(area: Rect, scale: f32) -> Board {
    let gap = 36.0 * scale;
    let room = (area.h - gap).max(2.0);
    let left_w = (area.w - gap) * 0.48;
    let left = |y: f32, h: f32| Rect::new(area.x, y, left_w, h);
    let x = area.x + left_w + gap;
    let right = |y: f32, h: f32| Rect::new(x, y, area.right() - x, h);
    let (causes_h, now_h) = (room * 0.58, room * 0.64);
    Board {
        causes: left(area.y, causes_h),
        pace: left(area.y + causes_h + gap, room - causes_h),
        now: right(area.y, now_h),
        below: right(area.y + now_h + gap, room - now_h),
        stacked: false,
        scale,
    }
}

fn stacked(area: Rect, scale: f32) -> Board {
    let gap = 36.0 * scale;
    let room = (area.h - 2.0 * gap).max(3.0);
    let causes_h = (room * 0.306).max(STACKED_CAUSES * scale);
    let now_h = room * 0.44;
    let now_y = area.y + causes_h + gap;
    let below_y = now_y + now_h + gap;
    let below_h = (area.bottom() - below_y).max(1.0);
    let half = (area.w - GAP * scale) / 2.0;
    Board {
        causes: Rect::new(area.x, area.y, area.w, causes_h),
        now: Rect::new(area.x, now_y, area.w, now_h),
        pace: Rect::new(area.x, below_y, half, below_h),
        below: Rect::new(area.right() - half, below_y, half, below_h),
        stacked: true,
        scale,
    }
}

/// Places of causes: the leading one, then cards of the others.
#[derive(Clone, Debug, PartialEq)]
pub struct CauseCards {
    pub lead: Rect,
    pub others: Vec<Rect>,
    /// Number of causes that have no card; the last place is then one line about them.
    pub without: usize,
}

/// Lays out `causes` causes in the first column of a board, below its head.
pub fn lay_out_causes(board: &Board, causes: usize) -> CauseCards {
    let (k, at) = (board.scale, board.causes);
    let head = HEAD * k;
    let body = Rect::new(at.x, at.y + head, at.w, (at.h - head).max(1.0));
    let others = causes.saturating_sub(1);
    let fitting = |room: f32| ((room + CARD_GAP * k) / ((CARD.0 + CARD_GAP) * k)).floor() as usize;
    if board.stacked {
        let half = if others > 0 { (body.w - CARDS_GAP * k) / 2.0 } else { body.w };
        let lead = Rect { w: half, ..body };
        let places = others.min(fitting(body.h).max(1));
        let column = Rect { x: body.right() - half, w: half, ..body };
        let most = if places == 1 { CARD.1 * k } else { f32::MAX };
        return cause_cards(lead, cards(column, places, k, most), others);
    }
    let most = fitting(body.h - (LEAD + CARDS_GAP) * k);
    let places = others.min(most.max(1));
    // Names of the songs are dropped before a cause is.
    let has_names = places <= fitting(body.h - (LEAD_WITH_NAMES + CARDS_GAP) * k);
    let least = if has_names { LEAD_WITH_NAMES } else { LEAD } * k;
    let room = body.h - least - CARDS_GAP * k + CARD_GAP * k;
    let pitch = (room / places.max(1) as f32).min((CARD.1 + CARD_GAP) * k);
    let lead_h = match places {
        0 => body.h,
        places => body.h - pitch * places as f32 + CARD_GAP * k - CARDS_GAP * k,
    };
    let lead = Rect { h: lead_h, ..body };
    let top = lead.bottom() + CARDS_GAP * k;
    let column = Rect { y: top, h: (body.bottom() - top).max(1.0), ..body };
    cause_cards(lead, cards(column, places, k, f32::MAX), others)
}

/// The last place becomes a line where there are causes without one, and counts the cause it took the
/// place of.
fn cause_cards(lead: Rect, places: Vec<Rect>, others: usize) -> CauseCards {
    let without = others - places.len();
    CauseCards { lead, others: places, without: without + usize::from(without > 0) }
}

fn cards(column: Rect, places: usize, k: f32, most: f32) -> Vec<Rect> {
    let gap = CARD_GAP * k;
    let pitch = (column.h + gap) / places.max(1) as f32;
    let height = bounded(pitch - gap, 1.0, most);
    let card =
        |place: usize| Rect::new(column.x, column.y + pitch * place as f32, column.w, height);
    (0..places).map(card).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inside(inner: &Rect, outer: &Rect) -> bool {
        inner.x >= outer.x - 0.1
            && inner.y >= outer.y - 0.1
            && inner.right() <= outer.right() + 0.1
            && inner.bottom() <= outer.bottom() + 0.1
    }

    fn apart(a: &Rect, b: &Rect) -> bool {
        a.right() <= b.x + 0.1
            || b.right() <= a.x + 0.1
            || a.bottom() <= b.y + 0.1
            || b.bottom() <= a.y + 0.1
    }

    #[test]
    fn columns_are_those_of_the_drawing() {
        let board = lay_out_board(&CanvasSize::of_pixels(1920.0, 1080.0));
        assert_eq!(board.causes, Rect::new(56.0, 128.0, 540.0, 752.0));
        assert_eq!(board.now, Rect::new(640.0, 128.0, 640.0, 752.0));
        assert_eq!((board.pace.x, board.pace.w), (1324.0, 540.0));
        assert_eq!(board.below.bottom(), 880.0);
        assert_eq!(lay_out_board(&CanvasSize::of_pixels(3840.0, 2160.0)), board);
        let three = lay_out_causes(&board, 3);
        assert_eq!(three.lead, Rect::new(56.0, 172.0, 540.0, 424.0));
        assert_eq!(three.others[0], Rect::new(56.0, 612.0, 540.0, 128.0));
        assert_eq!(three.others[1], Rect::new(56.0, 752.0, 540.0, 128.0));
        let four = lay_out_causes(&board, 4);
        assert_eq!(four.lead.h, 352.0);
        assert!((four.others[0].h - 105.33).abs() < 0.01, "{four:?}");
    }

    #[test]
    fn wide_screens_widen_the_bars() {
        let board = lay_out_board(&CanvasSize::of_pixels(2560.0, 1080.0));
        assert!(board.now.w > 980.0 && board.causes.w < 620.0, "{board:?}");
        assert_eq!(board.scale, 1.0);
    }

    proptest! {
        #[test]
        fn parts_of_a_board_do_not_overlap(
            width in 400.0_f32..8000.0,
            height in 400.0_f32..4500.0,
            causes in 1_usize..30,
        ) {
            let canvas_size = CanvasSize::of_pixels(width, height);
            let area = wall_area(&canvas_size);
            let board = lay_out_board(&canvas_size);
            let parts = [board.causes, board.now, board.pace, board.below];
            for (slot, part) in parts.iter().enumerate() {
                prop_assert!(inside(part, &area) && part.w > 300.0 && part.h > 100.0, "{part:?}");
                for other in &parts[..slot] {
                    prop_assert!(apart(part, other), "{part:?} {other:?}");
                }
            }
            let cards = lay_out_causes(&board, causes);
            let mut all = vec![cards.lead];
            all.extend(&cards.others);
            for (slot, card) in all.iter().enumerate() {
                prop_assert!(inside(card, &board.causes), "{card:?} {board:?}");
                prop_assert!(all[..slot].iter().all(|other| apart(card, other)), "{cards:?}");
                prop_assert!(card.h >= 90.0 * board.scale, "{cards:?}");
            }
            let lines = usize::from(cards.without > 0);
            prop_assert_eq!(1 + cards.others.len() - lines + cards.without, causes);
        }
    }
}
