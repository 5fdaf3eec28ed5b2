//! Lines of text that fit into a column, with the parts that a search found on a ground of their own.

use std::ops::Range;
use std::sync::Arc;

use bevy::color::Color;
use bevy_egui::egui::text::{LayoutJob, TextFormat};
use bevy_egui::egui::{Align, Color32, FontId, Galley, Ui};
use unicode_segmentation::UnicodeSegmentation;

use super::search::Needle;
use crate::app::panel::style::{self, ink};
use crate::text::head_of;

/// Share of a line that is cut in the middle which its beginning has.
const HEAD_SHARE: f32 = 0.62;
/// Bytes of the ends of a text that are looked at; no column shows more.
const MOST_BYTES: usize = 600;
const ELLIPSIS: &str = "…";

/// Style of a line.
#[derive(Clone, Debug)]
pub(super) struct LineStyle {
    pub font: FontId,
    pub colour: Color,
}

/// Part of a line that is left out where there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    Middle,
    End,
}

/// Lays out a text in one line of at most `max_width` points.
pub(super) fn line(
    ui: &Ui,
    text: &str,
    needle: &Needle,
    style: &LineStyle,
    cut: Cut,
    max_width: f32,
) -> Arc<Galley> {
    let hits = needle.hits(text);
    if text.len() <= MOST_BYTES {
        let galley = lay_out(ui, &[(text, 0)], &hits, style);
        if galley.size().x <= max_width {
            return galley;
        }
    }
    let (mut head, mut tail) = halves(ui, text, style, cut, max_width);
    loop {
        let parts = [(&text[..head], 0), (ELLIPSIS, text.len()), (&text[tail..], tail)];
        let galley = lay_out(ui, &parts, &hits, style);
        if galley.size().x <= max_width || (head == 0 && tail == text.len()) {
            return if galley.size().x <= max_width {
                galley
            } else {
                lay_out(ui, &[], &[], style)
            };
        }
        // The widths of single letters do not add up exactly.
        match text[tail..].graphemes(true).next() {
            Some(first) => tail += first.len(),
            None => head -= text[..head].graphemes(true).next_back().map_or(head, str::len),
        }
    }
}

/// Returns where the beginning of a cut text ends, and where its end begins.
fn halves(ui: &Ui, text: &str, style: &LineStyle, cut: Cut, max_width: f32) -> (usize, usize) {
    let letters = head_of(text, MOST_BYTES);
    let tail_from = text.ceil_char_boundary(text.len().saturating_sub(MOST_BYTES));
    ui.fonts_mut(|fonts| {
        let mut width = |grapheme: &str| {
            let widths = grapheme.chars().map(|c| fonts.glyph_width(&style.font, c));
            widths.sum::<f32>()
        };
        let room = (max_width - width(ELLIPSIS)).max(0.0);
        let share = if cut == Cut::Middle { HEAD_SHARE } else { 1.0 };
        let (mut head, mut left) = (0, room * share);
        for grapheme in letters.graphemes(true) {
            left -= width(grapheme);
            if left < 0.0 {
                break;
            }
            head += grapheme.len();
        }
        let (mut tail, mut left) = (text.len(), room * (1.0 - share));
        for grapheme in text[tail_from.max(head)..].graphemes(true).rev() {
            left -= width(grapheme);
            if left < 0.0 || cut == Cut::End {
                break;
            }
            tail -= grapheme.len();
        }
        // No blank stands beside the ellipsis.
        let head = text[..head].trim_end().len();
        let tail = text.len() - text[tail..].trim_start().len();
        (head, tail)
    })
}

/// Lays out parts of a text, each with its place in it, as one line. `hits` are places in the whole text.
fn lay_out(
    ui: &Ui,
    parts: &[(&str, usize)],
    hits: &[Range<usize>],
    style: &LineStyle,
) -> Arc<Galley> {
    let palette = style::palette(ui.ctx());
    let format = |is_hit: bool| TextFormat {
        font_id: style.font.clone(),
        color: ink(if is_hit { palette.on_search_hit } else { style.colour }),
        background: if is_hit { ink(palette.search_hit) } else { Color32::TRANSPARENT },
        valign: Align::Center,
        ..TextFormat::default()
    };
    let mut job = LayoutJob { break_on_newline: false, ..LayoutJob::default() };
    job.wrap.max_width = f32::INFINITY;
    for (part, from) in parts {
        let mut done = 0;
        for hit in hits {
            let (start, end) = (hit.start.max(*from), hit.end.min(from + part.len()));
            // A hit that the cut goes through shows what is left of it.
            let (Some(start), Some(end)) = (start.checked_sub(*from), end.checked_sub(*from))
            else {
                continue;
            };
            let (Some(before), Some(found)) = (part.get(done..start), part.get(start..end)) else {
                continue;
            };
            if !found.is_empty() {
                job.append(before, 0.0, format(false));
                job.append(found, 0.0, format(true));
                done = end;
            }
        }
        job.append(part.get(done..).unwrap_or_default(), 0.0, format(false));
    }
    ui.painter().layout_job(job)
}

/// Returns the parts of a laid-out line that stand on the ground of a search.
#[cfg(test)]
pub(super) fn hits_of(ui: &Ui, galley: &Galley) -> Vec<String> {
    let ground = ink(style::palette(ui.ctx()).search_hit);
    let sections = galley.job.sections.iter();
    let found = sections.filter(|section| section.format.background == ground);
    let text = &galley.job.text;
    found.map(|it| text[it.byte_range.start.0..it.byte_range.end.0].to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::panel::testing::harness;

    const NAMES: [&str; 7] = [
        "Glass Harbour",
        "The Harbourmaster's Long Farewell to the Whole Wide World",
        "👩‍🎤🎸🎛️ Neon 🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️🌧️",
        "שיר על נמל הזכוכית והגשם שלא פסק במשך כל הלילה הארוך",
        "أغنية المرفأ الزجاجي والمطر الذي لم يتوقف طوال الليل",
        "音楽制作音楽制作音楽制作音楽制作音楽制作音楽制作",
        "é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂é̂",
    ];

    #[test]
    fn lines_of_any_script_fit_their_column() {
        let long = "a".repeat(11_000);
        let mut harness = harness(Vec::<String>::new(), move |ui, wrong| {
            let style = LineStyle { font: style::semibold(16.0), colour: Color::WHITE };
            for name in NAMES.into_iter().chain([long.as_str(), ""]) {
                for typed in ["", "har", "a", "נמל", "🌧️"] {
                    for width in [0.0, 3.0, 20.0, 64.0, 168.0, 300.0] {
                        for cut in [Cut::Middle, Cut::End] {
                            let needle = Needle::new(typed);
                            let galley = line(ui, name, &needle, &style, cut, width);
                            if galley.size().x > width || galley.rows.len() > 1 {
                                wrong.push(format!("{name} at {width}: {}", galley.size()));
                            }
                        }
                    }
                }
            }
        });
        harness.step();
        assert!(harness.state().is_empty(), "{:#?}", harness.state());
    }

    #[test]
    fn long_name_keeps_both_ends_and_its_hits() {
        let mut harness = harness(Vec::<(String, Vec<String>)>::new(), |ui, seen| {
            let style = LineStyle { font: style::semibold(16.0), colour: Color::WHITE };
            let mut show = |text: &str, typed: &str, cut: Cut, width: f32| {
                let galley = line(ui, text, &Needle::new(typed), &style, cut, width);
                seen.push((galley.job.text.clone(), hits_of(ui, &galley)));
            };
            show("Glass Harbour", "har", Cut::Middle, 200.0);
            show(NAMES[1], "har world", Cut::Middle, 200.0);
            show(NAMES[1], "farewell", Cut::End, 200.0);
        });
        harness.state_mut().clear();
        harness.step();
        let seen = harness.state();
        assert_eq!(seen[0], ("Glass Harbour".to_owned(), vec!["Har".to_owned()]));
        let (text, hits) = &seen[1];
        assert!(text.starts_with("The Harbour") && text.ends_with("World"), "{text}");
        assert!(text.contains('…') && !text.contains("… ") && !text.contains(" …"), "{text}");
        assert_eq!(hits, &["Har", "World"]);
        assert!(seen[2].0.ends_with('…') && seen[2].1.is_empty(), "{:?}", seen[2]);
    }
}
