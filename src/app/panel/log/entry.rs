//! Window with the raw text of one log line, indented for reading.

use bevy_egui::egui::{Align, Align2, Context, Label, Layout, RichText, ScrollArea, Window, vec2};
use jiff::tz::TimeZone;

use crate::app::panel::style::{self, text};
use crate::app::panel::widgets::{close_ui, copy_ui};
use crate::app::words::instant_words;
use crate::model::{EventLog, LogEntry, LogItem};
use crate::text::visible_json;

/// Opened line of the log.
#[derive(Clone, Debug)]
pub(in crate::app::panel) struct OpenEntry {
    pub seq: u64,
    title: String,
    arrived: String,
    raw: String,
    pretty: String,
}

impl OpenEntry {
    pub(super) fn new(log: &EventLog, entry: &LogEntry, zone: &TimeZone) -> Self {
        let (title, raw) = match &entry.item {
            LogItem::Event(event) => {
                let node = event.node.as_deref().unwrap_or("workflow");
                (format!("{node} {}", event.phase.as_str()), log.raw(entry).to_owned())
            }
            LogItem::ParseError(error) => {
                (format!("Unreadable: {}", error.reason), error.text.to_string())
            }
        };
        Self {
            seq: entry.seq,
            title,
            arrived: instant_words(entry.received_at, zone),
            pretty: pretty_json(&visible_json(&raw)),
            raw,
        }
    }
}

/// Shows the window; returns `false` when it is to be closed.
pub(in crate::app::panel) fn entry_ui(ctx: &Context, entry: &OpenEntry) -> bool {
    let mut open = true;
    let window = ctx.content_rect();
    Window::new("Event")
        .title_bar(false)
        .resizable(true)
        .default_width(640.0)
        .max_height(window.height() * 0.8)
        .pivot(Align2::CENTER_CENTER)
        .default_pos(window.center() - vec2(window.width() * 0.15, 0.0))
        .show(ctx, |ui| {
            ui.horizontal(|ui| {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    open &= !close_ui(ui, "Close the event").clicked();
                    copy_ui(ui, "Copy the event as received", || entry.raw.clone());
                    let title = RichText::new(&entry.title).font(style::semibold(text::SECTION));
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(Label::new(title).truncate());
                    });
                });
            });
            ui.weak(format!("line {}, arrived {}", entry.seq + 1, entry.arrived));
            style::well_frame(style::palette(ui.ctx())).show(ui, |ui| {
                ScrollArea::both().auto_shrink([false, true]).max_height(560.0).show(ui, |ui| {
                    let text = RichText::new(&entry.pretty).font(style::mono(text::SMALL));
                    ui.add(Label::new(text).extend());
                });
            });
        });
    open
}

/// Indents JSON with one line per member. Text that is not JSON keeps its characters, except for some
/// of its white space.
fn pretty_json(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len() * 2);
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    let mut rest = raw.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth.min(40)));
    };
    while let Some(c) = rest.next() {
        if in_text {
            out.push(c);
            in_text = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            '"' => {
                in_text = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                while rest.peek().is_some_and(|next| next.is_whitespace()) {
                    rest.next();
                }
                let closing = if c == '{' { '}' } else { ']' };
                if rest.peek() == Some(&closing) {
                    rest.next();
                    out.push(closing);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {
                // White space between two words of text that is not JSON.
                let between = rest.peek().is_some_and(|next| next.is_alphanumeric())
                    && out.ends_with(char::is_alphanumeric);
                if between {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pretty_json_keeps_the_order_of_members() {
        let check = |raw: &str, expected: &str| assert_eq!(pretty_json(raw), expected);
        check(
            r#"{"b":1,"a":{"x":[1, 2],"e":{},"f":[ ]}}"#,
            "{\n  \"b\": 1,\n  \"a\": {\n    \"x\": [\n      1,\n      2\n    ],\n    \"e\": {},\n    \"f\": []\n  }\n}",
        );
        check(r#"{"t":"a, \"b\": {c}\\"}"#, "{\n  \"t\": \"a, \\\"b\\\": {c}\\\\\"\n}");
        check("no event", "no event");
        check("}}}", "\n}\n}\n}");
        check("", "");
    }

    #[test]
    fn deep_nesting_has_limited_indentation() {
        assert!(pretty_json(&"[".repeat(4_000)).len() < 400_000);
    }
}
