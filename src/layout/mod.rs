//! Where things stand: pure requests → results in design pixels (1080 to the height of a 16:9
//! screen, y down). Knows nothing of what is drawn, and nothing of Bevy.

mod rack;
mod screen;

pub use rack::{FixLoop, ModuleBox, Rack, RackRequest, lay_out_rack};
pub use screen::{Rect, Screen};
