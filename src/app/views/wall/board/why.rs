//! Why runs fail: the leading cause with its trend and what became of its songs, and cards of the others.

use bevy::color::{Alpha, Color};
use bevy::math::Vec2;

use super::super::board_view::BoardView;
use super::super::causes::{Group, since_words};
use super::super::fit::fit;
use super::{LAYER, Line, Picks, draw_head};
use crate::app::draw::glyphs::badge;
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Texture, measure};
use crate::app::state::status::DisplayStatus;
use crate::app::theme::motion;
use crate::app::words::count_words;
use crate::bounded::bounded;
use crate::layout::{Board, lay_out_causes};

const RADIUS: f32 = 18.0;
/// Height of the leading cause's head, and of the hatching below it.
const TOP: f32 = 128.0;
const HATCH: f32 = 12.0;
/// Heights of the leading cause without names, and of its bars at most.
const LEAD: f32 = 352.0;
const BARS: (f32, f32) = (56.0, 300.0);
/// Greatest width of a bar.
const WIDEST: f32 = 48.0;
/// Distance between two lines of names, and most lines.
const NAMES_LINE: f32 = 32.0;
const MOST_LINES: usize = 8;
/// Height of the card that says that nothing failed.
const NONE_CARD: f32 = 112.0;

pub fn draw(part: &mut Part, view: &BoardView, places: &Board, picks: &mut Picks) {
    let (k, at) = (places.scale, places.causes);
    draw_head(part, "why runs fail", at, k);
    let failures = &view.failures;
    let untold = failures.untold();
    let cards = lay_out_causes(places, failures.groups.len() + usize::from(untold > 0));
    let Some(lead) = failures.groups.first() else {
        if untold > 0 {
            let words = format!("{} failed, details no longer kept", count_words(untold as u64));
            draw_plain(part, DisplayStatus::Failed, (&words, &view.window), cards.lead, k);
        } else {
            let words = ("no run failed", view.window.as_str());
            draw_plain(part, DisplayStatus::Success, words, cards.lead, k);
        }
        return;
    };
    draw_lead(part, lead, cards.lead, k, picks);
    let mut others = failures.groups.iter().skip(1);
    for (place, rect) in cards.others.iter().enumerate() {
        let is_last = place + 1 == cards.others.len();
        let next = if is_last && cards.without > 0 { None } else { others.next() };
        match next {
            Some(group) => draw_card(part, group, *rect, k, place, picks),
            None => {
                let rest: usize = others.by_ref().map(|group| group.count).sum();
                let rest = count_words((rest + untold) as u64);
                let words = match cards.without {
                    0 | 1 => format!("and {rest} more, details no longer kept"),
                    causes => format!("+{causes} more causes, {rest} failed"),
                };
                let (ink, room) = (part.palette.failed_text, rect.w - 48.0 * k);
                let line = Line::new(words, Face::Text600, 26.0 * k, ink, room).least(22.0 * k);
                line.draw(part, "more causes", rect.x + 24.0 * k, rect.centre_y() + 9.0 * k);
            }
        }
    }
}

/// Draws a quiet card with two lines.
fn draw_plain(part: &mut Part, glyph: DisplayStatus, words: (&str, &str), at: Rect, k: f32) {
    let rect = Rect { h: at.h.min(NONE_CARD * k), ..at };
    let palette = part.palette;
    let body = Shape::rounded_box(rect).radius(12.0 * k).fill(palette.card);
    part.shape(Layer::Rack, body.border(1.5, palette.tile_edge));
    let centre = Vec2::new(rect.x + 36.0 * k, rect.centre_y());
    badge(part, LAYER, glyph, centre, 17.0 * k, "no failures");
    let (x, room) = (rect.x + 68.0 * k, rect.w - 92.0 * k);
    let head = Line::new(words.0, Face::Text600, 28.0 * k, palette.text, room).least(22.0 * k);
    head.draw(part, "no failures", x, rect.centre_y() - 6.0 * k);
    let ink = palette.text_secondary;
    let window = Line::new(words.1, Face::Text500, 24.0 * k, ink, room).least(22.0 * k);
    window.draw(part, "no failures since", x, rect.centre_y() + 26.0 * k);
}

fn draw_lead(part: &mut Part, group: &Group, rect: Rect, k: f32, picks: &mut Picks) {
    draw_lead_body(part, group, rect, k);
    draw_lead_cause(part, group, rect, k);
    let palette = part.palette;
    let (left, right) = (rect.x + 24.0 * k, rect.right() - 24.0 * k);
    let width = right - left;
    // The bars get the height that lines and names leave.
    let names = name_lines(group, width, k);
    let spare = ((rect.h - LEAD * k) / k).max(0.0);
    let held = (((spare - 8.0) / NAMES_LINE).floor().max(0.0) as usize).min(MOST_LINES);
    let lines = held.min(names.max(usize::from(held > 0)));
    let for_names = if lines > 0 { NAMES_LINE * lines as f32 + 8.0 } else { 0.0 };
    let bars_h = (BARS.0 + spare - for_names).min(BARS.1) * k;
    let grown = bars_h - BARS.0 * k;
    let y = |at: f32| rect.y + at * k;
    let minute = match group.last_minute {
        0 => String::new(),
        count => format!("{} in the last minute", count_words(count as u64)),
    };
    let last = format!("last {}", group.ago);
    let room = width - measure(Face::Text600, 28.0 * k, 0.0, &last) - 20.0 * k;
    Line::new(last, Face::Text600, 28.0 * k, palette.text, width).draw(
        part,
        "last",
        left,
        y(180.0),
    );
    let ink = if group.is_recovered() { palette.text_secondary } else { palette.failed_on_tint };
    if measure(Face::Text600, 22.0 * k, 0.0, &minute) <= room {
        let line = Line::new(minute, Face::Text600, 24.0 * k, ink, room).least(22.0 * k);
        line.draw_end(part, "last minute", right, y(180.0));
    }
    let bars = Rect::new(left, y(208.0), width, bars_h);
    draw_bars(part, group, bars, k);
    let caption = y(292.0) + grown;
    let since = since_words(group.minutes.len());
    let small = |words: String| Line::new(words, Face::Text500, 22.0 * k, ink, width * 0.7);
    small(since).draw(part, "bars since", left, caption);
    small("now".to_owned()).draw_end(part, "bars now", right, caption);
    let baseline = y(330.0) + grown;
    draw_retries(part, group, (left, right, baseline), k);
    let first = baseline + 38.0 * k;
    draw_names(part, group, (Rect::new(left, first, width, 0.0), lines), k, picks);
    if lines == 0
        && let Some((id, _)) = group.runs.first().filter(|_| group.count == 1)
    {
        picks.names.push((id.clone(), rect));
    }
}

fn draw_lead_body(part: &mut Part, group: &Group, rect: Rect, k: f32) {
    let palette = part.palette;
    let layer = Layer::Rack;
    let radius = RADIUS * k;
    let body = Shape::rounded_box(rect).radius(radius);
    let outline = Shape::rounded_box(rect).radius(radius).fill(Color::NONE);
    if group.is_recovered() {
        let body = body.fill_vertical(palette.panel_done_top, palette.panel_done_bottom);
        part.shape(layer, body.border(1.5, palette.success_line));
        let rule = Rect::new(rect.x + 24.0 * k, rect.y + TOP * k, rect.w - 48.0 * k, 1.5);
        part.shape(layer, Shape::rounded_box(rule).fill(palette.success_line));
        return;
    }
    let body = body.fill_diagonal(palette.failed_tint_from, palette.failed_tint_to);
    if !group.is_solid {
        part.shape(layer, body.keep_colour());
        let edge = palette.failed.with_alpha(0.45);
        part.shape(layer, outline.border(1.5, edge).keep_colour());
        let rule = Rect::new(rect.x + 24.0 * k, rect.y + TOP * k, rect.w - 48.0 * k, 1.5);
        let rule = Shape::rounded_box(rule).fill(palette.failed.with_alpha(0.3));
        part.shape(layer, rule.keep_colour());
        return;
    }
    let glow = body.glow(9.0, 10.0, palette.failed.with_alpha(0.4)).breathing(motion::BREATHE_LOW);
    part.shape(layer, glow.keep_colour());
    let head = Rect { h: TOP * k, ..rect };
    let head = Shape::rounded_box(head).radii([radius, radius, 0.0, 0.0]);
    part.shape(
        layer,
        head.fill_vertical(palette.failed_solid_from, palette.failed_solid_to).keep_colour(),
    );
    let hatch = Rect::new(rect.x, rect.y + TOP * k, rect.w, HATCH * k);
    let hatch = Shape::rounded_box(hatch)
        .fill(Color::NONE)
        .texture(Texture::Hatch { period: 14.0, width: 6.0 }, palette.failed);
    part.shape(layer, hatch.keep_colour());
    part.shape(layer, outline.border(3.0, palette.failed).keep_colour());
}

/// Draws glyph, number, step and reason.
fn draw_lead_cause(part: &mut Part, group: &Group, rect: Rect, k: f32) {
    let palette = part.palette;
    let (ground, mark, ink, quiet) = if group.is_recovered() {
        (palette.success, palette.success, palette.text, palette.text_secondary)
    } else if group.is_solid {
        (palette.failed_ink, palette.failed, palette.failed_ink, palette.failed_ink)
    } else {
        (palette.failed, palette.failed_ink, palette.text, palette.failed_on_tint)
    };
    let y = |at: f32| rect.y + at * k;
    let centre = Vec2::new(rect.x + 58.0 * k, y(62.0));
    if group.is_recovered() {
        badge(part, LAYER, DisplayStatus::Success, centre, 30.0 * k, "recovered");
    } else {
        part.shape(LAYER, Shape::octagon(centre, 34.0 * k).fill(ground).keep_colour());
        part.shape(LAYER, Shape::cross(centre, 12.6 * k, 8.2 * k).fill(mark).keep_colour());
    }
    let number = count_words(group.count as u64);
    let x = rect.x + 108.0 * k;
    let width = measure(Face::Display700, 60.0 * k, -0.016, &number);
    let count = Line::new(number, Face::Display700, 60.0 * k, ink, rect.w);
    part.text(LAYER, count.text("count", x, y(80.0)).tracking(-0.016).keep_colour());
    let x = x + width + 16.0 * k;
    let room = rect.right() - 20.0 * k - x;
    let head = group.failed_words();
    let head = Line::new(head, Face::Display700, 34.0 * k, ink, room).least(24.0 * k);
    let said = fit(Face::Text600, &[(26.0 * k, 1), (24.0 * k, 2)], (room, room), &group.reason);
    let two = said.lines.len() > 1;
    part.text(LAYER, head.text("cause", x, y(if two { 50.0 } else { 62.0 })).keep_colour());
    for (line, words) in said.lines.iter().enumerate() {
        let y = y(if two { 82.0 } else { 96.0 } + 28.0 * line as f32);
        let reason = Line::new(&**words, Face::Text600, said.size, quiet, rect.w);
        part.text(LAYER, reason.text(("reason", line), x, y).keep_colour());
    }
}

/// Draws the failures of each minute as bars; one minute alone has no trend.
fn draw_bars(part: &mut Part, group: &Group, at: Rect, k: f32) {
    let palette = part.palette;
    let most = group.minutes.iter().copied().max().unwrap_or(0).max(1);
    let pitch = (at.w + 4.0 * k) / group.minutes.len().max(1) as f32;
    for (place, count) in group.minutes.iter().enumerate() {
        let height = (at.h * *count as f32 / most as f32).max(2.0 * k);
        let width = bounded(pitch - 4.0 * k, 1.0, WIDEST * k);
        let x = at.x + pitch * (place + 1) as f32 - 4.0 * k - width;
        let bar = Rect::new(x, at.bottom() - height, width, height);
        let ink = if group.is_recovered() { palette.text_tertiary } else { palette.failed };
        let ink = if *count > 0 { ink } else { ink.with_alpha(0.45) };
        part.shape(LAYER, Shape::rounded_box(bar).radius(2.0 * k).fill(ink).keep_colour());
    }
}

/// Draws how many songs have a retry, and how many have none.
fn draw_retries(part: &mut Part, group: &Group, (left, right, y): (f32, f32, f32), k: f32) {
    let palette = part.palette;
    let (with, without) = group.retry_words();
    let size = 26.0 * k;
    let without_w = measure(Face::Text600, size, 0.0, &without);
    let line = Line::new(without, Face::Text600, size, palette.failed_on_tint, right - left);
    line.draw_end(part, "not retried", right, y);
    if with.is_empty() {
        return;
    }
    let glyph = match group.follow_ups {
        ups if ups.running > 0 => DisplayStatus::Running,
        ups if ups.recovered > 0 => DisplayStatus::Success,
        _ => DisplayStatus::Failed,
    };
    let centre = Vec2::new(left + 14.0 * k, y - 9.0 * k);
    badge(part, LAYER, glyph, centre, 12.0 * k, "retries");
    let x = left + 38.0 * k;
    let gap = if without_w > 0.0 { 20.0 * k } else { 0.0 };
    let room = right - without_w - gap - x;
    Line::new(with, Face::Text600, size, palette.text, room)
        .least(22.0 * k)
        .draw(part, "retries", x, y);
}

/// Number of lines that the names of a cause fill.
fn name_lines(group: &Group, width: f32, k: f32) -> usize {
    let (mut lines, mut x) = (usize::from(!group.runs.is_empty()), 0.0);
    for (_, title) in &group.runs {
        let name_w = measure(Face::Text500, 24.0 * k, 0.0, title) + 16.0 * k;
        if x > 0.0 && x + name_w > width {
            lines += 1;
            x = 0.0;
        }
        x += name_w;
    }
    lines
}

/// Draws names one after the other, as many as fit, then how many more there are.
fn draw_names(
    part: &mut Part,
    group: &Group,
    (at, lines): (Rect, usize),
    k: f32,
    picks: &mut Picks,
) {
    let (mut line, mut x) = (0, 0.0);
    let size = 24.0 * k;
    let width = |words: &str| measure(Face::Text500, size, 0.0, words);
    let more = |named: usize| match group.count - named {
        0 => String::new(),
        rest if named == 0 => format!("{} songs", count_words(rest as u64)),
        rest => format!("and {} more", count_words(rest as u64)),
    };
    let mut named = 0;
    let palette = part.palette;
    for (id, title) in &group.runs {
        let is_last = named + 1 == group.count;
        let words = if is_last { title.clone() } else { format!("{title},") };
        // A title alone on its line may be cut.
        let name_w = width(&words).min(at.w);
        let (mut to_line, mut to_x) = (line, x);
        if to_x > 0.0 && to_x + name_w > at.w {
            (to_line, to_x) = (line + 1, 0.0);
        }
        // The last line keeps room for the number of the others.
        let rest_w = if is_last { 0.0 } else { 8.0 * k + width(&more(named + 1)) };
        let is_full = to_line + 1 == lines && to_x + name_w + rest_w > at.w;
        if to_line >= lines || (is_full && (named > 0 || rest_w >= at.w * 0.6)) {
            break;
        }
        let name_w = if is_full { (at.w - rest_w - to_x).max(0.0) } else { name_w };
        let y = at.y + NAMES_LINE * k * to_line as f32;
        let name = Line::new(words, Face::Text500, size, palette.text, name_w);
        name.draw(part, ("song", named), at.x + to_x, y);
        picks.names.push((id.clone(), Rect::new(at.x + to_x, y - size, name_w, NAMES_LINE * k)));
        (line, x, named) = (to_line, to_x + name_w + 8.0 * k, named + 1);
    }
    let words = more(named);
    if words.is_empty() || lines == 0 {
        return;
    }
    if x > 0.0 && x + width(&words) > at.w && line + 1 < lines {
        (line, x) = (line + 1, 0.0);
    }
    let y = at.y + NAMES_LINE * k * line as f32;
    let rest = Line::new(words, Face::Text500, size, palette.failed_on_tint, at.w - x);
    rest.draw(part, "more songs", at.x + x, y);
}

/// Draws another cause on a quiet card.
fn draw_card(part: &mut Part, group: &Group, rect: Rect, k: f32, place: usize, picks: &mut Picks) {
    let palette = part.palette;
    let recovered = group.is_recovered();
    let body = Shape::rounded_box(rect).radius(12.0 * k);
    let (body, edge) = if recovered {
        (
            body.fill_vertical(palette.panel_done_top, palette.panel_done_bottom),
            palette.success_line,
        )
    } else {
        let (from, to) = (palette.failed_tint_from, palette.failed_tint_to);
        (body.fill_diagonal(from, to).keep_colour(), palette.failed.with_alpha(0.45))
    };
    part.shape(Layer::Rack, body.border(1.5, edge));
    let middle = rect.centre_y();
    let glyph = if recovered { DisplayStatus::Success } else { DisplayStatus::Failed };
    let centre = Vec2::new(rect.x + 36.0 * k, middle);
    badge(part, LAYER, glyph, centre, 17.0 * k, "cause");
    let (x, right) = (rect.x + 68.0 * k, rect.right() - 18.0 * k);
    let (reason_ink, told_ink, ago_ink) = if recovered {
        (palette.text_secondary, palette.success, palette.text_secondary)
    } else {
        (palette.failed_on_tint, palette.text, palette.failed_on_tint)
    };
    // Words at the right are dropped where they would leave the cause no room.
    let room_beside = |aside: &str, face| {
        let aside_w = measure(face, 24.0 * k, 0.0, aside);
        let room = right - x - aside_w - 16.0 * k;
        // The word "recovered" is always shown.
        if recovered || room >= (right - x) * 0.4 { (room, true) } else { (right - x, false) }
    };
    let aside = |part: &mut Part, line: usize, words: &str, face, ink, y: f32| {
        let words = Line::new(words.to_owned(), face, 24.0 * k, ink, rect.w);
        part.text(LAYER, words.text(("card aside", place, line), right, y).end().keep_colour());
    };
    // The reason has two lines on a high card.
    let (room, shows_told) = room_beside(&group.told, Face::Text600);
    let most = if rect.h >= 104.0 * k { 2 } else { 1 };
    let steps = [(24.0 * k, 1), (if most > 1 { 24.0 } else { 22.0 } * k, most)];
    let said = fit(Face::Text500, &steps, (room, room), &group.reason);
    let lift = if said.lines.len() > 1 { 13.0 * k } else { 0.0 };
    let y = middle + 26.0 * k - lift;
    for (line, words) in said.lines.iter().enumerate() {
        let words = Line::new(&**words, Face::Text500, said.size, reason_ink, rect.w);
        let y = y + 27.0 * k * line as f32;
        part.text(LAYER, words.text(("card reason", place, line), x, y).keep_colour());
    }
    if shows_told {
        aside(part, 1, &group.told, Face::Text600, told_ink, y);
    }
    let y = middle - 6.0 * k - lift;
    let (room, shows_ago) = room_beside(&group.ago, Face::Text500);
    let head = format!("{} × {}", count_words(group.count as u64), group.failed_words());
    let head = Line::new(head, Face::Text600, 28.0 * k, palette.text, room).least(22.0 * k);
    part.text(LAYER, head.text(("card", place), x, y).keep_colour());
    if shows_ago {
        aside(part, 0, &group.ago, Face::Text500, ago_ink, y);
    }
    // A cause with one run opens that run, another one its latest.
    if let Some((id, _)) = group.runs.first() {
        picks.names.push((id.clone(), rect));
    }
}
