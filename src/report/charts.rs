//! Charts as SVG. The tables beside them have the same numbers.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::html::escaped;
use super::summary::{Ends, Outcomes, StepLine};
use crate::text::duration_words;

const WIDTH: usize = 960;
const HEIGHT: usize = 220;

/// Draws the runs by outcome over time as stacked bars.
pub(super) fn outcomes(outcomes: &Outcomes, label: &impl Fn(Timestamp) -> String) -> String {
    let most = outcomes.parts.iter().map(|(_, ends)| ends.total()).max().unwrap_or(0).max(1);
    let (left, top, bottom) = (40, 10, HEIGHT - 30);
    let height_of = |count: usize| (bottom - top) as f64 * count as f64 / most as f64;
    let step = (WIDTH - left) as f64 / outcomes.parts.len().max(12) as f64;
    let total = outcomes.parts.iter().fold(Ends::default(), |sum, (_, ends)| Ends {
        finished: sum.finished + ends.finished,
        failed: sum.failed + ends.failed,
        cancelled: sum.cancelled + ends.cancelled,
    });
    let mut svg = format!(
        "<svg role=\"img\" aria-labelledby=\"outcomes-title outcomes-text\" viewBox=\"0 0 {WIDTH} \
         {HEIGHT}\"><title id=\"outcomes-title\">Ends of runs over time</title>\
         <desc id=\"outcomes-text\">{} finished, {} failed, {} cancelled; at most {most} in one bar. \
         The table below has the numbers.</desc>\
         <defs><pattern id=\"stripes\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><rect class=\"failed\" width=\"6\" height=\"6\"/>\
         <rect class=\"gap\" width=\"2\" height=\"6\"/></pattern></defs>\
         <line class=\"axis\" x1=\"{left}\" y1=\"{bottom}\" x2=\"{WIDTH}\" y2=\"{bottom}\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{most}</text>\
         <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">0</text>",
        total.finished,
        total.failed,
        total.cancelled,
        left - 8,
        top + 10,
        left - 8,
    );
    for (index, (_, ends)) in outcomes.parts.iter().enumerate() {
        let (x, width) = (left as f64 + step * index as f64, (step - 2.0).max(1.0));
        let mut y = bottom as f64;
        let parts = [
            ("class=\"finished\"", ends.finished),
            ("fill=\"url(#stripes)\"", ends.failed),
            ("class=\"cancelled\"", ends.cancelled),
        ];
        for (look, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
            let height = height_of(count);
            y -= height;
            let _ = write!(
                svg,
                "<rect {look} x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
            );
        }
    }
    let ends = [outcomes.parts.first().map(|it| (it, left, "start"))];
    let last = outcomes.parts.last().filter(|_| outcomes.parts.len() > 1);
    for ((at, _), x, anchor) in ends.into_iter().flatten().chain(last.map(|it| (it, WIDTH, "end")))
    {
        let words = label(*at);
        let _ = write!(
            svg,
            "<text x=\"{x}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            HEIGHT - 8,
            escaped(&words)
        );
    }
    svg.push_str("</svg>\n");
    svg
}

/// Draws the usual durations of steps as bars, with a line at the duration beyond which they are slow.
pub(super) fn durations(steps: &[StepLine]) -> String {
    let known = || steps.iter().filter_map(|step| Some((step, step.usual?)));
    let longest = known().map(|(_, usual)| usual.p95_ms).max().unwrap_or(0).max(1);
    let (left, row) = (160.0, 26.0);
    let width = |millis: u64| (WIDTH as f64 - left - 90.0) * millis as f64 / longest as f64;
    let mut svg = format!(
        "<svg role=\"img\" aria-labelledby=\"durations-title durations-text\" viewBox=\"0 0 {WIDTH} \
         {}\"><title id=\"durations-title\">Usual durations of the steps</title>\
         <desc id=\"durations-text\">A bar for each step up to its usual duration, and a line at the \
         duration beyond which it is slow. The table below has the numbers.</desc>",
        known().count() * row as usize + 8
    );
    for (index, (step, usual)) in known().enumerate() {
        let y = 4.0 + row * index as f64;
        let name = super::html::excerpt(&step.name, 18);
        let slow_x = left + width(usual.p95_ms);
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
             <rect class=\"finished\" x=\"{left}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"18\"/>\
             <line class=\"slow\" x1=\"{slow_x:.1}\" y1=\"{y:.1}\" x2=\"{slow_x:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            left - 8.0,
            y + 14.0,
            width(usual.p50_ms).max(1.0),
            y + 18.0,
            slow_x + 8.0,
            y + 14.0,
            duration_words(usual.p50_ms),
        );
    }
    svg.push_str("</svg>\n");
    svg
}
