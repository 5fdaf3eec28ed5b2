//! Text of the failure bar: the failed step and the reason, readable across a room.

use crate::app::draw::{Face, Layer, Part, Rect, Text, measure, truncate, wrap};
use crate::app::theme::size;

use crate::app::state::run_view::FailureView;

/// Distance from the bar's left end to the text.
const LEFT: f32 = 98.0;
const RIGHT_PAD: f32 = 28.0;
const GAP: f32 = 22.0;
/// Greatest part of the first of two lines that the headline takes.
const MOST_OF_A_HEADLINE: f32 = 0.62;

/// Draws one line at 44 px when headline and reason fit, else two at 36 px, with the second truncated.
pub(super) fn draw(part: &mut Part, failure: &FailureView, bar: Rect) {
    let palette = part.palette;
    let ink = if failure.settled { palette.text } else { palette.failed_ink };
    let x = bar.x + LEFT;
    let width = bar.w - LEFT - RIGHT_PAD;
    let (bold, plain) = (Face::Display700, Face::Text500);
    // A step may have a very long name; the reason keeps a part of the line.
    let most = width * MOST_OF_A_HEADLINE;
    let headline_width = measure(bold, size::FAIL_BAND, 0.0, &failure.headline);
    let reason_width = measure(plain, size::FAIL_BAND, 0.0, &failure.reason);
    if headline_width + GAP + reason_width <= width {
        part.text(
            Layer::OverlayFace,
            Text::new(
                "fail line 1",
                failure.headline.clone(),
                x,
                bar.y + 58.0,
                bold,
                size::FAIL_BAND,
            )
            .colour(ink)
            .then(GAP, failure.reason.clone())
            .face(plain)
            .keep_colour(),
        );
        return;
    }
    let small = size::FAIL_BAND_WRAPPED;
    let headline = truncate(bold, small, &failure.headline, most).into_owned();
    let headline_width = measure(bold, small, 0.0, &headline);
    let first_width = width - headline_width - GAP;
    // Only the second line is truncated; the first holds whole words of the reason.
    let lines = wrap(plain, small, &failure.reason, first_width, 2);
    let first = lines.first().map_or("", String::as_str);
    let rest = failure.reason.get(first.len()..).unwrap_or("").trim_start();
    part.text(
        Layer::OverlayFace,
        Text::new("fail line 1", headline, x, bar.y + 38.0, bold, small)
            .colour(ink)
            .then(GAP, first.to_owned())
            .face(plain)
            .keep_colour(),
    );
    if let Some(second) = wrap(plain, small, rest, width, 1).into_iter().next() {
        part.text(
            Layer::OverlayFace,
            Text::new("fail line 2", second, x, bar.y + 74.0, plain, small)
                .colour(ink)
                .keep_colour(),
        );
    }
}
