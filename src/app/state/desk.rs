//! The desk: what it was opened from, and the size of the controls.

use bevy::prelude::*;

use super::focus::Focus;
use super::view::View;
use crate::bounded::bounded;
use crate::export::TableForm;
use crate::protocol::RunId;

/// State of the desk that actions change.
#[derive(Resource, Clone, Debug, Default, PartialEq, Eq)]
pub struct Desk {
    /// View that it was opened from, and that it returns to.
    opened_from: Option<View>,
    /// Run that was followed when it was opened: on the desk the selection changes by hand only.
    followed: bool,
    /// True until the search field has taken the keyboard's focus.
    pub wants_search: bool,
    /// Form in which the runs that the desk lists are still to be handed on to be saved.
    pub wants_export: Option<TableForm>,
    /// Run that is still to be copied as text.
    pub wants_copy: Option<RunId>,
    /// Rows of the table by which the selection is still to be moved.
    pub wants_step: i32,
    /// True while two runs are compared: digits and Shift with a letter are then for the comparison.
    pub is_comparing: bool,
}

impl Desk {
    /// Opens the desk, or goes back to the view that it was opened from.
    pub fn toggle(&mut self, view: &mut View, focus: &mut Focus) {
        if *view == View::Desk {
            *view = self.opened_from.take().unwrap_or(View::Wall);
            if std::mem::take(&mut self.followed) {
                focus.follow();
            }
        } else {
            self.opened_from = Some(*view);
            self.followed = focus.is_following() && focus.run().is_some();
            if self.followed {
                focus.stay();
            }
            *view = View::Desk;
        }
    }

    /// Notes that another view was opened from the desk. Where `follows`, what was followed before is followed
    /// again.
    pub fn left(&mut self, focus: &mut Focus, follows: bool) {
        self.opened_from = None;
        if std::mem::take(&mut self.followed) && follows {
            focus.follow();
        }
    }

    /// True while the desk is open that was not the first view.
    pub fn is_opened_by_hand(&self) -> bool {
        self.opened_from.is_some()
    }

    /// Notes that a run was chosen by hand, so that it stays chosen in the view that follows.
    pub fn chose(&mut self) {
        self.followed = false;
    }
}

/// Factor by which the user enlarged the controls.
#[derive(Resource, Clone, Copy, Debug, PartialEq)]
pub struct ControlsScale(pub f32);

impl Default for ControlsScale {
    fn default() -> Self {
        Self(1.0)
    }
}

impl ControlsScale {
    /// Smallest and largest factor, and the distance of two.
    const RANGE: (f32, f32) = (0.6, 3.0);
    const STEP: f32 = 0.1;

    /// Returns the nearest factor that can be chosen.
    pub fn of(wanted: f32) -> Self {
        let (least, most) = Self::RANGE;
        Self(bounded((wanted * 10.0).round() / 10.0, least, most))
    }

    /// Enlarges the controls by a number of steps.
    pub fn step(&mut self, steps: i32) {
        *self = Self::of(self.0 + Self::STEP * steps as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn desk_keeps_its_run_and_gives_the_view_back() {
        let (mut desk, mut view) = (Desk::default(), View::Wall);
        let mut focus = Focus { run: Some(RunId::new("run-0")), ..Focus::default() };
        desk.toggle(&mut view, &mut focus);
        assert_eq!(view, View::Desk);
        assert!(!focus.is_following(), "what is selected does not change by itself");
        assert_eq!(focus.run(), Some(&RunId::new("run-0")));
        desk.toggle(&mut view, &mut focus);
        assert_eq!((view, focus.is_following()), (View::Wall, true));
        focus.run = Some(RunId::new("run-0"));
        // A run chosen on the desk stays chosen.
        desk.toggle(&mut view, &mut focus);
        focus.pin(RunId::new("run-1"));
        desk.chose();
        desk.toggle(&mut view, &mut focus);
        assert!(!focus.is_following());
    }

    #[test]
    fn controls_have_a_smallest_and_a_largest_size() {
        let mut scale = ControlsScale::default();
        scale.step(1);
        assert_eq!(scale.0, 1.1);
        scale.step(i32::MAX);
        assert_eq!(scale.0, 3.0);
        scale.step(-100);
        assert_eq!(scale.0, 0.6);
    }
}
