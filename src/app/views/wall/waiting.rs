//! The wall without runs, and the counts of runs without a tile.

use super::chain::{self, ChainLayout};
use super::fit::size_for;
use super::plan::More;
use super::tile::{TileLayout, draw_body};
use super::tile_view::{Look, TileView, more_words};
use crate::app::draw::{Face, Layer, Part, Rect, Text};
use crate::app::state::link::Link;
use crate::app::state::run_view::waiting_modules;
use crate::app::state::run_view::{FixView, ModuleView};
use crate::app::theme::size;
use crate::layout::{CanvasSize, Density, wall_area};
use crate::protocol::RunId;
use crate::source::ConnectionState;

/// Text shown while no run is known.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingView {
    pub connected_to: String,
}

impl WaitingView {
    pub fn of(link: &Link) -> Self {
        let connected_to = match &link.state {
            _ if link.is_recording() => "the recording has no run yet".to_owned(),
            ConnectionState::Connected { url, .. } => format!("connected to {url}"),
            ConnectionState::Connecting { url, .. } => format!("connecting to {url}"),
            ConnectionState::Reconnecting { url, .. } => format!("connecting to {url} again"),
            ConnectionState::Failed { url, .. } => format!("not connected to {url}"),
            ConnectionState::Disconnected => "not connected".to_owned(),
        };
        Self { connected_to }
    }
}

/// Draws the pipeline in one large empty tile.
pub fn draw(part: &mut Part, view: &WaitingView, canvas_size: &CanvasSize) {
    let palette = part.palette;
    let rect = wall_area(canvas_size);
    let at = TileLayout {
        rect,
        scale: 1.0,
        clock_secs: 0.0,
        frozen: true,
        selected: false,
        failed_at: 0.0,
    };
    draw_body(part, Look::Queued, &at);
    let middle = rect.centre_x();
    let y = rect.centre_y();
    part.text(
        Layer::Face,
        Text::new(
            "waiting",
            "Waiting for the first run",
            middle,
            y - 130.0,
            Face::Display700,
            84.0,
        )
        .middle()
        .tracking(-0.022)
        .colour(palette.text),
    );
    let words_size =
        size_for(Face::Text500, (size::STATUS_LINE, 24.0), &view.connected_to, rect.w - 80.0);
    let words = view.connected_to.clone();
    part.text(
        Layer::Face,
        Text::new("connected", words, middle, y - 64.0, Face::Text500, words_size)
            .middle()
            .colour(palette.text_secondary),
    );
    let chain = waiting_modules();
    let place = ChainLayout {
        left: rect.x + rect.w / 12.0,
        right: rect.right() - rect.w / 12.0,
        y: y + 90.0,
        scale: 2.4,
        drop: 0.0,
        loop_inset: 0.0,
        clock_secs: 0.0,
        frozen: true,
        ground: palette.ghost,
    };
    draw_names(part, &chain, &place);
    chain::draw(part, &ghost(chain), &place);
}

fn draw_names(part: &mut Part, chain: &[ModuleView], place: &ChainLayout) {
    for (index, module) in chain.iter().enumerate() {
        let centre = place.node(index, chain.len());
        let name = module.name.clone();
        part.text(
            Layer::Face,
            Text::new(("node", index), name, centre.x, centre.y + 76.0, Face::Text600, 28.0)
                .middle()
                .colour(part.palette.text_tertiary),
        );
    }
}

/// View of a tile without a run.
pub fn ghost(chain: Vec<ModuleView>) -> TileView {
    TileView {
        id: RunId::new(""),
        look: Look::Queued,
        title: String::new(),
        place: String::new(),
        detail: String::new(),
        note: String::new(),
        cancel_requested: false,
        chain,
        fix: FixView::default(),
        time: (String::new(), String::new()),
        other_time: (String::new(), String::new()),
        other_words: String::new(),
        failure: None,
        just_ended: false,
    }
}

/// Draws the counts of runs without a tile, such as "+312 finished", in the last place.
pub fn draw_more(part: &mut Part, more: &More, rect: Rect, density: Density) {
    let palette = part.palette;
    let words = more_words(more);
    let wanted = if density == Density::Small { 26.0 } else { size::TILE_TITLE };
    let longest = words.iter().max_by_key(|line| line.len()).cloned().unwrap_or_default();
    let words_size = size_for(Face::Text600, (wanted, 22.0), &longest, rect.w - 32.0);
    let pitch = words_size * 1.35;
    // Centres the counts together with the caption below them.
    let block = pitch * words.len() as f32 + 22.0;
    let first = rect.centre_y() - block / 2.0 + words_size * 0.8;
    for (line, text) in words.into_iter().enumerate() {
        let y = first + pitch * line as f32;
        part.text(
            Layer::Face,
            Text::new(("more", line), text, rect.centre_x(), y, Face::Text600, words_size)
                .middle()
                .colour(palette.text_secondary),
        );
    }
    let y = first + block - words_size * 0.8;
    part.text(
        Layer::Face,
        Text::new("more when", "in the last hour", rect.centre_x(), y, Face::Text500, 22.0)
            .middle()
            .colour(palette.text_tertiary),
    );
}
