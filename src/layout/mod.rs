//! Layout: pure functions from requests to positions in design pixels (1080 for the height of a
//! 16:9 screen, y down). Independent of what is drawn, and of Bevy.

mod board;
mod canvas_size;
mod header;
mod rack;
mod wall;

pub use board::{Board, CellGrid, failures_width, lay_out_board, lay_out_cells};
pub use canvas_size::{CanvasSize, Rect};
pub use header::{HeaderPlaces, has_tall_stage, stage_lane, wall_header};
pub use rack::{FixLoop, ModuleBox, Rack, RackRequest, lay_out_rack};
pub use wall::{
    Density, MOST_FAILED_TILES, Wall, WallRequest, beside_failures, lay_out_wall, wall_area,
};
