//! The wall without runs, and the counts of runs without a tile.

use super::chain::{self, ChainLayout};
use super::fit::size_for;
use super::tile::{TileLayout, draw_body};
use super::tile_view::{Look, TileView};
use crate::app::draw::{Face, Layer, Part, Rect, Shape, Text, measure, truncate};
use crate::app::state::link::Link;
use crate::app::state::run_view::waiting_modules;
use crate::app::state::run_view::{FixView, ModuleView};
use crate::app::theme::size;
use crate::layout::{CanvasSize, wall_area};
use crate::protocol::RunId;
use crate::source::ConnectionState;

/// Height of the label that counts runs without a tile, and the distance of its words from its ends.
const MORE_HEIGHT: f32 = 28.0;
const MORE_PAD: f32 = 12.0;

/// Text shown while no run is known.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingView {
    pub title: &'static str,
    pub connected_to: String,
}

impl WaitingView {
    pub fn of(link: &Link) -> Self {
        let connected_to = match &link.state {
            _ if link.is_recording() => "the recording has no run yet".to_owned(),
            ConnectionState::Connected { url, .. } => format!("connected to {url}"),
            ConnectionState::Connecting { url, .. } => format!("connecting to {url}"),
            ConnectionState::Reconnecting { url, .. } => format!("reconnecting to {url}"),
            ConnectionState::Failed { url, .. } => format!("not connected to {url}"),
            ConnectionState::Disconnected => "not connected".to_owned(),
        };
        Self { title: link.waiting_title("Waiting for the first run"), connected_to }
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
        Text::new("waiting", view.title, middle, y - 130.0, Face::Display700, 84.0)
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
        step_time: String::new(),
        note: String::new(),
        cancel_requested: false,
        chain,
        fix: FixView::default(),
        time: (String::new(), String::new()),
        other_time: (String::new(), String::new()),
        other_words: String::new(),
        failure: None,
        follow_up: None,
        became: String::new(),
        left: None,
        silent_ms: None,
        score: None,
        ago: String::new(),
        variant: String::new(),
        just_ended: false,
        songs: Vec::new(),
    }
}

/// Draws the counts of runs of which none has a tile, on the lower edge of this one.
pub fn draw_more(part: &mut Part, words: &str, tile: Rect) {
    let palette = part.palette;
    let room = tile.w - 2.0 * MORE_PAD - 24.0;
    let words_size = size_for(Face::Text600, (size::ESSENTIAL_MIN, 20.0), words, room);
    let words = truncate(Face::Text600, words_size, words, room).into_owned();
    let width = measure(Face::Text600, words_size, 0.0, &words) + 2.0 * MORE_PAD;
    let label = Rect::new(tile.x + 12.0, tile.bottom() - 14.0, width, MORE_HEIGHT);
    let shape = Shape::rounded_box(label).radius(8.0).unsnapped();
    part.shape(Layer::OverlayFace, shape.fill(palette.panel_top).border(2.0, palette.tile_edge));
    let baseline = label.centre_y() + words_size * 0.36;
    part.text(
        Layer::OverlayFace,
        Text::new("more", words, label.centre_x(), baseline, Face::Text600, words_size)
            .middle()
            .colour(palette.text),
    );
}
