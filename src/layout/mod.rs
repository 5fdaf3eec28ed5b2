//! Layout: pure functions from requests to positions in design pixels (1080 for the height of a
//! 16:9 screen, y down). Independent of what is drawn, and of Bevy.

mod board;
mod bridge;
mod canvas_size;
mod finale;
mod header;
mod hint;
mod history;
mod rack;
mod rows;
mod timeline;
mod wall;

pub use board::{Board, CauseCards, lay_out_board, lay_out_causes};
pub use bridge::Bridge;
pub use canvas_size::{CanvasSize, Rect};
pub use finale::{FinaleLayout, lay_out_finale};
pub use header::{HeaderPlaces, stage_lane, wall_header};
pub use hint::place_hint;
pub use history::{HistoryPlaces, lay_out_history};
pub use rack::{FixLoop, ModuleBox, Rack, RackRequest, lay_out_rack};
pub use rows::{ROW_CELLS, RowColumns, RowsLayout, RowsRequest, lay_out_rows};
pub use timeline::{
    RaceLayout, RunHeader, TimeRows, lay_out_lanes, lay_out_race, lay_out_timeline, tick_millis,
    timeline_header, timeline_room,
};
pub use wall::{
    Density, MOST_FAILED_TILES, Wall, WallRequest, beside_failures, failed_cells, lay_out_strips,
    lay_out_wall, wall_area,
};
