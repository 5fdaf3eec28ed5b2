//! Draws the runs by time: bars by outcome, totals below them, and the read-out of the part that is chosen.

use jiff::Timestamp;

use super::pen::{Align, LEAST, Pen, Style};
use super::runs_view::{Bar, PartWords, RunsView};
use crate::app::draw::{Face, Layer, Rect, Shape, Text, Texture, measure, truncate};
use crate::app::state::history::Chosen;
use crate::bounded::bounded;

/// Distances of the plot from the panel's edges: left, top, right, bottom.
const PLOT: (f32, f32, f32, f32) = (72.0, 78.0, 24.0, 108.0);
/// Baselines of the totals below it, from the lower edge.
const LABEL: f32 = 76.0;
const RUNS: f32 = 46.0;
const SUCCESS: f32 = 16.0;
/// Part of the plot's height that the highest bar takes.
const FILL: f32 = 0.84;
/// Most lines of the scale.
const MOST_TICKS: u64 = 4;
/// Height of the read-out, and of a further line in it, and its distance from the bar.
const PLATE: f32 = 80.0;
const LINE: f32 = 30.0;
const TO_PLATE: f32 = 66.0;

/// Period as places from left to right.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    from: Timestamp,
    to: Timestamp,
    left: f32,
    right: f32,
}

impl Scale {
    /// Scale of a period between two places.
    pub fn new(view: &RunsView, left: f32, right: f32) -> Self {
        Self { from: view.from, to: view.to, left, right }
    }

    /// Place of an instant.
    pub fn x(&self, at: Timestamp) -> f32 {
        let all = self.to.duration_since(self.from).as_secs_f64().max(1.0);
        let part = at.duration_since(self.from).as_secs_f64() / all;
        self.left + (self.right - self.left) * bounded(part, 0.0, 1.0) as f32
    }
}

/// Draws the panel; returns the areas of the parts of the period.
pub fn draw(
    pen: &mut Pen,
    rect: Rect,
    view: &RunsView,
    part: Option<&(Timestamp, PartWords)>,
) -> Vec<(Chosen, Rect)> {
    let k = pen.k;
    let title_end = pen.panel(rect, "runs", view.title, "");
    let legend_end = draw_legend(pen, view, (title_end + 40.0 * k, rect.y + 40.0 * k), rect);
    let (left, top) = (rect.x + PLOT.0 * k, rect.y + PLOT.1 * k);
    let right = rect.right() - PLOT.2 * k;
    let base = (rect.bottom() - PLOT.3 * k).max(top + 8.0 * k);
    let plot = Rect::new(left, top, (right - left).max(1.0), base - top);
    let scale = Scale::new(view, plot.x, plot.right());
    let per_px = view.most.max(1) as f32 / (plot.h * FILL).max(1.0);
    draw_grid(pen, view, plot, per_px, rect);
    draw_columns(pen, view, plot, &scale, rect);
    if let Some(until) = view.unknown_until {
        draw_unknown(pen, plot, scale.x(until), true);
    }
    let mut areas = Vec::new();
    let mut tops = Vec::new();
    for bar in &view.bars {
        let (from, to) = (scale.x(bar.from), scale.x(bar.to));
        let highest = draw_bar(pen, bar, (from, to), base, per_px);
        tops.push((from, to, highest));
        let slot = Rect::new(from, plot.y, (to - from).max(0.5), plot.h + 3.0 * k);
        areas.push((Chosen::Part(bar.from), slot));
    }
    let line = pen.part.palette.line_strong;
    pen.rule((plot.x, base + 1.0), (plot.right(), base + 1.0), line);
    if let Some((begin, words)) = part
        && let Some((_, slot)) = areas.iter().find(|(chosen, _)| *chosen == Chosen::Part(*begin))
    {
        draw_readout(pen, words, *slot, plot, &tops, (legend_end, rect));
    }
    areas
}

/// Draws the legend; returns its right end.
fn draw_legend(pen: &mut Pen, view: &RunsView, (left, y): (f32, f32), rect: Rect) -> f32 {
    let (k, palette) = (pen.k, pen.part.palette);
    let mut x = left;
    let mut end = left;
    for (place, words) in view.legend.iter().enumerate() {
        let size = 24.0 * k;
        let width = measure(Face::Text500, size, 0.0, words);
        if x + 28.0 * k + width > rect.right() - 24.0 * k {
            break;
        }
        let square = Rect::new(x, y - 18.0 * k, 18.0 * k, 20.0 * k);
        let shape = Shape::rounded_box(square).radius(3.0 * k);
        let shape = match place {
            0 => shape.fill(palette.success),
            1 => shape
                .fill(palette.failed)
                .texture(Texture::Hatch { period: 7.0 * k, width: 3.0 * k }, palette.failed_hatch)
                .keep_colour(),
            _ => shape.fill(palette.cancelled),
        };
        pen.part.shape(Layer::Module, shape);
        let style = pen.quiet(24.0, Align::Left);
        pen.put(("legend", place), words, (x + 28.0 * k, y), style, width + 1.0);
        end = x + 28.0 * k + width;
        x = end + 40.0 * k;
    }
    end
}

fn draw_grid(pen: &mut Pen, view: &RunsView, plot: Rect, per_px: f32, rect: Rect) {
    let (k, palette) = (pen.k, pen.part.palette);
    // Lines with their numbers need some distance.
    let room = (plot.h * FILL / (36.0 * k)).floor().max(1.0) as u64;
    let step = tick_runs(view.most, room.min(MOST_TICKS));
    for nth in 1..=MOST_TICKS {
        let runs = nth * step;
        let y = plot.bottom() - runs as f32 / per_px;
        if runs > view.most || y < plot.y {
            break;
        }
        pen.grid((plot.x, y), (plot.right(), y), palette.hair);
        let style = pen.quiet(22.0, Align::Right);
        let words = crate::app::words::count_words(runs);
        let room = plot.x - rect.x - 14.0 * k;
        pen.put(
            ("runs scale", nth as usize),
            &words,
            (plot.x - 12.0 * k, y + 8.0 * k),
            style,
            room,
        );
    }
}

/// Round number of runs between two lines of the scale, of which there are at most so many.
fn tick_runs(most: u64, lines: u64) -> u64 {
    let mut decade = 1_u64;
    loop {
        for step in [1, 2, 5] {
            let step = step * decade;
            if most / step <= lines || decade > u64::MAX / 100 {
                return step;
            }
        }
        decade *= 10;
    }
}

fn draw_columns(pen: &mut Pen, view: &RunsView, plot: Rect, scale: &Scale, rect: Rect) {
    let (k, palette) = (pen.k, pen.part.palette);
    for (place, column) in view.columns.iter().enumerate() {
        let (from, to) = (scale.x(column.from), scale.x(column.to));
        if place > 0 {
            let ink = palette.line_strong;
            pen.grid((from, plot.y), (from, rect.bottom() - 16.0 * k), ink);
        }
        let room = (to - from - 10.0 * k).max(0.0);
        let middle = (from + to) / 2.0;
        let fits = |face, size: f32, words: &str| measure(face, size * k, 0.0, words) <= room;
        // A label that does not fit is left out, not cut.
        let label = match fits(Face::Text600, LEAST, &column.label) {
            true => &column.label,
            false => &column.short_label,
        };
        if !fits(Face::Text600, LEAST, label) {
            continue;
        }
        let style = pen.strong(24.0, Align::Middle);
        pen.put(("column", place), label, (middle, rect.bottom() - LABEL * k), style, room);
        let runs =
            if fits(Face::Text500, LEAST, &column.runs) { &column.runs } else { &column.count };
        if fits(Face::Text500, LEAST, runs) {
            let style = pen.quiet(22.0, Align::Middle);
            pen.put(("column runs", place), runs, (middle, rect.bottom() - RUNS * k), style, room);
        }
        if fits(Face::Text600, LEAST, &column.success) {
            let ink = if column.is_low { palette.failed_text } else { palette.success };
            let style = Style { face: Face::Text600, size: 24.0, ink, align: Align::Middle };
            let at = (middle, rect.bottom() - SUCCESS * k);
            pen.put(("column success", place), &column.success, at, style, room);
        }
    }
}

/// Draws the time of which nothing is known, if wanted with these words.
pub fn draw_unknown(pen: &mut Pen, plot: Rect, until: f32, has_words: bool) {
    let (k, palette) = (pen.k, pen.part.palette);
    let area = Rect::new(plot.x, plot.y, (until - plot.x).max(0.0), plot.h);
    if area.w < 1.0 {
        return;
    }
    let hatch = Texture::Hatch { period: 14.0 * k, width: 2.0 * k };
    let shape = Shape::rounded_box(area).fill(palette.card).texture(hatch, palette.line);
    pen.part.shape(Layer::Module, shape);
    let words = "not known";
    let size = 24.0 * k;
    let width = measure(Face::Text500, size, 0.0, words);
    if has_words && width + 40.0 * k < area.w && area.h > 60.0 * k {
        let plate = Rect::centred(area.centre(), width + 28.0 * k, 40.0 * k);
        let shape = Shape::rounded_box(plate).radius(8.0 * k).fill(palette.card);
        pen.part.shape(Layer::Module, shape);
        let style = pen.quiet(24.0, Align::Middle);
        pen.put(
            ("unknown", 0),
            words,
            (plate.centre_x(), plate.centre_y() + 8.0 * k),
            style,
            area.w,
        );
    }
}

/// Draws a bar from finished runs at the foot to failed ones at its top. Returns its upper edge.
fn draw_bar(pen: &mut Pen, bar: &Bar, (from, to): (f32, f32), base: f32, per_px: f32) -> f32 {
    let palette = pen.part.palette;
    let gap = ((to - from) * 0.22).min(3.0 * pen.k);
    let width = (to - from - gap).max(1.0);
    let mut y = base;
    for (place, runs) in [bar.finished, bar.cancelled, bar.failed].into_iter().enumerate() {
        if runs == 0 {
            continue;
        }
        let height = (runs as f32 / per_px).max(1.5);
        let rect = Rect::new(from, y - height, width, height);
        let shape = Shape::rounded_box(rect).radius(0.8_f32.min(width / 2.0)).unsnapped();
        let shape = match place {
            0 => shape.fill(palette.success),
            1 => shape.fill(palette.cancelled),
            _ => shape.fill(palette.failed).keep_colour(),
        };
        pen.part.shape(Layer::Module, shape);
        y -= height + if height > 3.0 { 0.6 } else { 0.0 };
    }
    y
}

/// Draws a frame around the chosen part, and beside it what is known about it, where it covers no bar.
fn draw_readout(
    pen: &mut Pen,
    words: &PartWords,
    slot: Rect,
    plot: Rect,
    tops: &[(f32, f32, f32)],
    (legend_end, rect): (f32, Rect),
) {
    let (k, palette) = (pen.k, pen.part.palette);
    let frame = Rect::new(slot.x - 3.0 * k, plot.y, slot.w + 5.0 * k, plot.h + 4.0 * k);
    let shape = Shape::rounded_box(frame).radius(3.0 * k).fill(bevy::color::Color::NONE);
    pen.part.shape(Layer::Cable, shape.border(2.5 * k, palette.violet_text));
    let size = 24.0 * k;
    let title_width = measure(Face::Text600, size, 0.0, &words.title);
    // In two lines, in three, and then cut to the width of the title.
    let mut forms = vec![(vec![words.words.as_str()], plot.w * 0.5)];
    if let Some([failed, reason]) = &words.lines {
        forms.push((vec![failed, reason], plot.w * 0.4));
        forms.push((vec![failed, reason], title_width));
    }
    forms.push((vec![words.words.as_str()], title_width));
    let found = forms.into_iter().find_map(|(lines, most)| {
        let cut = |line: &str| truncate(Face::Text500, size, line, most).into_owned();
        let lines: Vec<String> = lines.into_iter().map(cut).collect();
        let widths = lines.iter().map(|line| measure(Face::Text500, size, 0.0, line));
        let width = widths.fold(title_width, f32::max) + 36.0 * k;
        let height = (PLATE + LINE * lines.len().saturating_sub(1) as f32) * k;
        Some((free_place((width, height), frame, plot, tops, k)?, lines))
    });
    // Else above the plot, behind the legend, in one line.
    let Some((plate, lines)) = found else {
        let room = rect.right() - 24.0 * k - legend_end - 40.0 * k;
        let both = format!("{}: {}", words.title, words.words);
        let line = truncate(Face::Text500, size, &both, room).into_owned();
        if room > 200.0 * k {
            let style = Style {
                face: Face::Text600,
                size: 24.0,
                ink: palette.violet_text,
                align: Align::Right,
            };
            let at = (rect.right() - 24.0 * k, rect.y + 40.0 * k);
            pen.put(("readout", 0), &line, at, style, room);
        }
        return;
    };
    let line_y = plate.y + PLATE * k / 2.0;
    let ends = match plate.x > frame.x {
        true => (frame.right(), plate.x),
        false => (plate.right(), frame.x),
    };
    let line = Rect::new(ends.0, line_y - 1.25 * k, (ends.1 - ends.0).max(0.0), 2.5 * k);
    pen.part.shape(Layer::Cable, Shape::rounded_box(line).fill(palette.violet_text));
    let shape = Shape::rounded_box(plate).radius(10.0 * k).fill(palette.selection);
    pen.part.shape(Layer::Overlay, shape.border(1.5 * k, palette.violet_led));
    let x = plate.x + 18.0 * k;
    let title = words.title.clone();
    let text = Text::new("readout title", title, x, plate.y + 34.0 * k, Face::Text600, size);
    pen.part.text(Layer::OverlayFace, text.colour(palette.text));
    for (place, line) in lines.into_iter().enumerate() {
        let y = plate.y + (66.0 + LINE * place as f32) * k;
        let text = Text::new(("readout words", place), line, x, y, Face::Text500, size);
        pen.part.text(Layer::OverlayFace, text.colour(palette.text));
    }
}

/// Place of a read-out of this size beside a frame, near the upper edge of the plot, where it covers no bar.
fn free_place(
    (width, height): (f32, f32),
    frame: Rect,
    plot: Rect,
    tops: &[(f32, f32, f32)],
    k: f32,
) -> Option<Rect> {
    let top = plot.y - 8.0 * k;
    let is_free = |x: f32| {
        let (end, bottom) = (x + width, top + height + 4.0 * k);
        let inside = x >= plot.x && end <= plot.right();
        let apart = end <= frame.x - 8.0 * k || x >= frame.right() + 8.0 * k;
        let covers =
            |(from, to, highest): &(f32, f32, f32)| *from < end && *to > x && *highest < bottom;
        inside && apart && !tops.iter().any(covers)
    };
    // Places at growing distances on both sides of the bar.
    let mut far = (0..24).map(|nth| TO_PLATE * k + nth as f32 * plot.w / 24.0);
    far.find_map(|by| [frame.right() + by, frame.x - by - width].into_iter().find(|x| is_free(*x)))
        .map(|x| Rect::new(x, top, width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_out_stands_beside_its_bar_where_it_covers_none() {
        let plot = Rect::new(100.0, 200.0, 1_000.0, 200.0);
        let frame = Rect::new(500.0, 200.0, 10.0, 200.0);
        // Bars of 10 pixels, high ones from 560 to 800.
        let tops: Vec<(f32, f32, f32)> = (0..100)
            .map(|nth| 100.0 + 10.0 * nth as f32)
            .map(|x| (x, x + 10.0, if (560.0..800.0).contains(&x) { 230.0 } else { 390.0 }))
            .collect();
        let found = free_place((200.0, 80.0), frame, plot, &tops, 1.0).unwrap();
        assert!(found.right() <= 492.0, "left of the bar: {found:?}");
        let high: Vec<(f32, f32, f32)> = tops.iter().map(|(x, to, _)| (*x, *to, 210.0)).collect();
        assert_eq!(free_place((200.0, 80.0), frame, plot, &high, 1.0), None);
        let wide = free_place((400.0, 80.0), frame, plot, &tops, 1.0);
        assert_eq!(wide, None, "there is room for it nowhere");
    }

    #[test]
    fn lines_of_the_scale_are_round_numbers_of_runs() {
        let check = |most, step| assert_eq!(tick_runs(most, 4), step, "{most}");
        check(0, 1);
        check(4, 1);
        check(5, 2);
        check(68, 20);
        check(683, 200);
        check(9_999, 2_000);
        assert!(tick_runs(u64::MAX, 4) > 0);
        assert_eq!(tick_runs(9_999, 1), 5_000);
    }
}
