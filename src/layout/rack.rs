//! Layout of the rack: one module per node in a row, running ones larger, with the FIX loop below.

use super::Rect;
use crate::bounded::bounded;

/// Least width of a module on a landscape wall; modules that have less go into another row.
const LEAST_WIDTH: f32 = 128.0;
/// Least width of a module on a portrait screen, whose design pixels are smaller.
const LEAST_WIDTH_ENLARGED: f32 = 192.0;
/// Least width of a focused module, where all of them have to shrink.
const LEAST_FOCUS_WIDTH: f32 = 170.0;
/// Least width of three or more focused modules in a roomy rack.
const ROOMY_FOCUS_WIDTH: f32 = 212.0;
const NORMAL_WIDTH: f32 = 196.0;
const NORMAL_HEIGHT: f32 = 296.0;
const FOCUS_WIDTH: f32 = 338.0;
/// Width of focused modules when three or more nodes run.
const CROWDED_FOCUS_WIDTH: f32 = 282.0;
/// Height by which a focused module extends above and below the others.
const FOCUS_RISE: f32 = 28.0;
const GAP: f32 = 14.0;
/// Width up to which gaps grow on wide screens before modules do.
const WIDEST_GAP: f32 = 44.0;
/// Gap between two rows, with room for the hanging cables.
const ROW_GAP: f32 = 84.0;
/// Radii of the loop's lanes, from the innermost (first pass) outwards.
const LANE_RADII: [f32; 3] = [118.0, 140.0, 162.0];
/// Largest radius of a lane below a focused module on a landscape wall, where the bridge is near.
const WIDEST_LANE_UNDER_FOCUS: f32 = 155.0;
const LANE_TOP: f32 = 16.0;
const LANE_TOP_UNDER_FOCUS: f32 = 44.0;
const ARC_BELOW_LANE_TOP: f32 = 82.0;
/// Least distance from the widest lane to the edge of the rack.
const LANE_MARGIN: f32 = 12.0;

/// Input of [`lay_out_rack`].
#[derive(Clone, Debug, PartialEq)]
pub struct RackRequest {
    /// One entry per module, in order: true if its node runs or failed, which enlarges the module.
    pub focus: Vec<bool>,
    /// Left and right edge, and the top of the first row.
    pub left: f32,
    pub right: f32,
    pub top: f32,
    /// Factor by which modules are larger than on a landscape wall. A value above 1 produces at
    /// least two rows, to fill a portrait screen.
    pub enlarged: f32,
    /// True where focused modules keep a comfortable width, because other modules are folded.
    pub roomy: bool,
    /// Indices of the first and last module of the loop (COMPOSE and VALIDATE).
    pub loop_between: Option<(usize, usize)>,
    /// Factor by which the loop is larger than on a landscape wall.
    pub loop_scale: f32,
}

/// Position of a module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModuleBox {
    pub rect: Rect,
    pub focus: bool,
    /// Scale of the content, relative to the normal width or, for focused modules, to the focus
    /// width.
    pub scale: f32,
    pub row: usize,
}

/// Least part of its resting width at which a focused module is shown during a move; its content is made
/// for that width.
const LEAST_PART_OF_FOCUS: f32 = 0.8;

impl ModuleBox {
    /// Returns the least width at which the module is shown during a move.
    pub fn least_width(&self) -> f32 {
        if self.focus { self.rect.w * LEAST_PART_OF_FOCUS } else { self.rect.w.min(LEAST_WIDTH) }
    }

    /// Returns the least part of the way from `from` to this place at which the module is wide enough.
    pub fn least_part_of_a_move(&self, from: &Self) -> f32 {
        let (least, way) = (self.least_width(), self.rect.w - from.rect.w);
        if from.rect.w >= least || way <= 0.0 { 0.0 } else { (least - from.rect.w) / way }
    }

    /// Returns the positions of the input and output jacks.
    pub fn jacks(&self) -> ((f32, f32), (f32, f32)) {
        let (inset, from_bottom) = if self.focus { (40.0, 34.0) } else { (38.0, 26.0) };
        let y = self.rect.bottom() - from_bottom;
        let inset = inset * self.scale;
        ((self.rect.x + inset, y), (self.rect.right() - inset, y))
    }
}

/// Position of the FIX loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixLoop {
    /// True when the loop hangs below its two modules. Where other modules stand below these, FIX stands
    /// in the middle and has no lanes.
    pub linked: bool,
    pub centre_x: f32,
    /// Top of the lanes.
    pub top: f32,
    /// Centre of the half circles.
    pub arc_y: f32,
    pub radii: [f32; 3],
    /// Largest radius that has room; lanes with a larger one are drawn with this.
    pub widest: f32,
    /// Position of the FIX module.
    pub module: Rect,
    /// Factor by which everything is larger than on a landscape wall.
    pub scale: f32,
}

impl FixLoop {
    /// Returns the radius of the lane of a pass; the first pass is 0.
    pub fn radius(&self, pass: usize) -> f32 {
        let last = self.radii.len() - 1;
        self.radii[pass.min(last)].min(self.widest)
    }
}

/// Result of [`lay_out_rack`].
#[derive(Clone, Debug, PartialEq)]
pub struct Rack {
    pub modules: Vec<ModuleBox>,
    /// Tops of the rows.
    pub row_tops: Vec<f32>,
    /// Height of a module without focus.
    pub module_height: f32,
    pub fix_loop: Option<FixLoop>,
}

impl Rack {
    /// Returns the bottom of the last row, measured at modules without focus.
    pub fn bottom(&self) -> f32 {
        self.row_tops.last().map_or(0.0, |top| top + self.module_height)
    }
}

/// Number of enlarged modules above which they are laid out in two rows.
const MOST_ENLARGED_IN_A_ROW: usize = 4;

/// Lays out a rack, in as few rows as its modules' least widths allow. A module's position depends only on
/// the number of modules and on which have focus.
pub fn lay_out_rack(request: &RackRequest) -> Rack {
    let count = request.focus.len();
    let width = (request.right - request.left).max(1.0);
    let enlarged = request.enlarged;
    let least = Least::of(request);
    let least_rows = if enlarged > 1.0 && count > MOST_ENLARGED_IN_A_ROW { 2 } else { 1 };
    let rows = (least_rows..=count.max(least_rows))
        .find(|rows| {
            let rows = request.focus.chunks(count.div_ceil(*rows).max(1));
            rows.map(|row| least.width_of(row)).all(|least| least <= width)
        })
        .unwrap_or(count.max(1));
    let per_row = count.div_ceil(rows).max(1);

    let mut modules = Vec::with_capacity(count);
    let mut row_tops = Vec::with_capacity(rows);
    let height = NORMAL_HEIGHT * enlarged;
    for (row, focus) in request.focus.chunks(per_row).enumerate() {
        let focused = focus.iter().filter(|focus| **focus).count();
        let normal = focus.len() - focused;
        let gaps = focus.len().saturating_sub(1) as f32;
        // Room that the other modules leave.
        let room = width - GAP * gaps - least.normal * normal as f32;
        let widest = (room / focused.max(1) as f32).max(1.0);
        let focus_w = (focus_width(&request.focus) * enlarged).min(widest);
        let wanted = (width - focus_w * focused as f32) - NORMAL_WIDTH * enlarged * normal as f32;
        let gap = if gaps > 0.0 { bounded(wanted / gaps, GAP, WIDEST_GAP) } else { 0.0 };
        let rest = width - gap * gaps - focus_w * focused as f32;
        let normal_w = if normal > 0 { (rest / normal as f32).max(1.0) } else { 0.0 };
        let scale = bounded(normal_w / NORMAL_WIDTH, 0.6, 1.12 * enlarged);
        let top = request.top + row as f32 * (height + ROW_GAP * enlarged);
        row_tops.push(top);
        // When all modules of a row have focus, they share its width.
        let focus_w = if normal == 0 && focused > 0 {
            ((width - gap * gaps) / focused as f32).min(FOCUS_WIDTH * enlarged.max(1.6)).max(1.0)
        } else {
            focus_w
        };
        let mut x = request.left;
        for focus in focus {
            let (w, rise) = if *focus { (focus_w, FOCUS_RISE * enlarged) } else { (normal_w, 0.0) };
            modules.push(ModuleBox {
                rect: Rect::new(x, top - rise, w, height + 2.0 * rise),
                focus: *focus,
                scale: if *focus { (w / FOCUS_WIDTH).min(enlarged) } else { scale },
                row,
            });
            x += w + gap;
        }
    }
    let mut rack = Rack { modules, row_tops, module_height: height, fix_loop: None };
    rack.fix_loop = request.loop_between.and_then(|ends| lay_out_loop(&rack, ends, request));
    rack
}

/// Least widths of modules.
struct Least {
    normal: f32,
    focus: f32,
}

impl Least {
    fn of(request: &RackRequest) -> Self {
        let focus = match request.focus.iter().filter(|focus| **focus).count() {
            _ if !request.roomy => LEAST_FOCUS_WIDTH,
            0 | 1 => FOCUS_WIDTH,
            2 => CROWDED_FOCUS_WIDTH,
            _ => ROOMY_FOCUS_WIDTH,
        };
        if request.enlarged > 1.0 {
            Self { normal: LEAST_WIDTH_ENLARGED, focus: focus.max(CROWDED_FOCUS_WIDTH) }
        } else {
            Self { normal: LEAST_WIDTH, focus }
        }
    }

    /// Returns the least width of a row.
    fn width_of(&self, row: &[bool]) -> f32 {
        let modules = row.iter().map(|focus| if *focus { self.focus } else { self.normal });
        modules.sum::<f32>() + GAP * row.len().saturating_sub(1) as f32
    }
}

fn focus_width(focus: &[bool]) -> f32 {
    if focus.iter().filter(|focus| **focus).count() >= 3 {
        CROWDED_FOCUS_WIDTH
    } else {
        FOCUS_WIDTH
    }
}

fn lay_out_loop(rack: &Rack, (to, from): (usize, usize), request: &RackRequest) -> Option<FixLoop> {
    let (to, from) = (rack.modules.get(to)?, rack.modules.get(from)?);
    let scale = request.loop_scale;
    let last = rack.row_tops.len().saturating_sub(1);
    let linked = to.row == last && from.row == last;
    let middle = (request.left + request.right) / 2.0;
    let radii = LANE_RADII.map(|radius| radius * scale);
    let centre_x = if linked { (to.rect.right() + from.rect.x) / 2.0 } else { middle };
    // A larger loop under the first modules stays on the screen.
    let most = radii[2] + LANE_MARGIN;
    let centre_x = bounded(centre_x, request.left + most, request.right - most);
    let under_focus = to.focus || from.focus;
    let below = if under_focus { LANE_TOP_UNDER_FOCUS * request.enlarged } else { LANE_TOP };
    let near = under_focus && request.enlarged <= 1.0;
    let widest = if near { WIDEST_LANE_UNDER_FOCUS } else { f32::MAX };
    let top = rack.bottom() + below;
    let arc_y = top + ARC_BELOW_LANE_TOP * scale;
    let (w, h) = (212.0 * scale, 76.0 * scale);
    let module = Rect::new(centre_x - w / 2.0, arc_y + radii[0] - 42.0 * scale, w, h);
    Some(FixLoop { linked, centre_x, top, arc_y, radii, widest, module, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rack(focus: &[bool], width: f32) -> Rack {
        lay_out_rack(&RackRequest {
            focus: focus.to_vec(),
            left: 56.0,
            right: width - 56.0,
            top: 312.0,
            enlarged: 1.0,
            roomy: false,
            loop_between: None,
            loop_scale: 1.0,
        })
    }

    #[test]
    fn enlarged_modules_are_laid_out_in_two_rows() {
        for focused in 0..8 {
            let rack = lay_out_rack(&RackRequest {
                focus: (0..8).map(|index| index == focused).collect(),
                left: 56.0,
                right: 1564.0,
                top: 312.0,
                enlarged: 1.5,
                roomy: false,
                loop_between: Some((4, 5)),
                loop_scale: 1.0,
            });
            assert_eq!(rack.row_tops.len(), 2);
            let rows: Vec<usize> = rack.modules.iter().map(|module| module.row).collect();
            assert_eq!(rows, [0, 0, 0, 0, 1, 1, 1, 1]);
            assert!(rack.modules.iter().all(|module| module.scale > 1.2), "{rack:#?}");
            let (upper, lower) = rack.modules.split_at(4);
            let bottom = upper.iter().map(|module| module.rect.bottom()).fold(0.0, f32::max);
            assert!(lower.iter().all(|module| module.rect.y > bottom + 20.0), "{rack:#?}");
        }
    }

    #[test]
    fn rack_with_one_running_node_matches_the_mock_up() {
        let focus = [false, false, true, false, false, false, false, false];
        let rack = rack(&focus, 1920.0);
        assert_eq!(rack.modules[0].rect, Rect::new(56.0, 312.0, 196.0, 296.0));
        assert_eq!(rack.modules[2].rect, Rect::new(476.0, 284.0, 338.0, 352.0));
        assert_eq!(rack.modules[7].rect, Rect::new(1668.0, 312.0, 196.0, 296.0));
    }

    #[test]
    fn eight_running_nodes_share_one_row_of_any_landscape_wall() {
        for width in [1620.0, 1920.0, 2560.0] {
            for focused in 0..=8 {
                let focus: Vec<bool> = (0..8).map(|index| index < focused).collect();
                assert_eq!(rack(&focus, width).row_tops.len(), 1, "{focused} of 8, {width}");
            }
        }
    }

    #[test]
    fn loop_has_lanes_only_below_its_own_modules() {
        let rack = |count: usize| {
            lay_out_rack(&RackRequest {
                focus: vec![false; count],
                left: 56.0,
                right: 1564.0,
                top: 312.0,
                enlarged: 1.5,
                roomy: false,
                loop_between: Some((4, 5)),
                loop_scale: 1.0,
            })
        };
        assert!(rack(8).fix_loop.unwrap().linked, "COMPOSE and VALIDATE stand in the second row");
        let apart = rack(15).fix_loop.unwrap();
        assert!(!apart.linked, "others stand below them");
        assert_eq!(apart.centre_x, 810.0);
    }

    #[test]
    fn any_number_of_modules_has_finite_places_of_positive_size() {
        for count in [0, 1, 2, 9, 32, 300, 3000] {
            for focused in [0, 1, count / 2, count] {
                for (width, enlarged) in [(0.0, 1.0), (300.0, 1.6), (1620.0, 1.15), (9000.0, 1.0)] {
                    for roomy in [false, true] {
                        let rack = lay_out_rack(&RackRequest {
                            focus: (0..count).map(|index| index < focused).collect(),
                            left: 56.0,
                            right: 56.0 + width,
                            top: 312.0,
                            enlarged,
                            roomy,
                            loop_between: Some((4, 5)),
                            loop_scale: 1.0,
                        });
                        assert_eq!(rack.modules.len(), count);
                        for module in &rack.modules {
                            let Rect { x, y, w, h } = module.rect;
                            assert!(x.is_finite() && y.is_finite(), "{module:?}");
                            assert!(w > 0.0 && h > 0.0 && module.scale > 0.0, "{module:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn modules_do_not_overlap_or_leave_the_rack() {
        for count in 1..=40 {
            for focused in 0..count.min(5) {
                for width in [1620.0, 1920.0, 2560.0] {
                    let focus: Vec<bool> = (0..count).map(|i| i < focused).collect();
                    let rack = rack(&focus, width);
                    for pair in rack.modules.windows(2) {
                        let same_row = pair[0].row == pair[1].row;
                        assert!(
                            !same_row || pair[0].rect.right() <= pair[1].rect.x,
                            "{count} modules, {focused} in focus, {width} wide"
                        );
                    }
                    for module in &rack.modules {
                        assert!(module.rect.right() <= width - 55.9, "{count} {focused} {width}");
                    }
                }
            }
        }
    }
}
