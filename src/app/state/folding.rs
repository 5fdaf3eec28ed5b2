//! Folding of modules: where a display has no room for all steps of a run, the least important ones are
//! counted in modules such as "+38 more". Failed and running steps are the last to be folded.

use std::ops::Range;

use crate::app::state::run_view::{Folded, ModuleView};
use crate::app::state::status::DisplayStatus;
use crate::model::NodeStatus;
use crate::protocol::PIPELINE;

/// Greatest number of modules that any display shows one by one.
const MOST_SHOWN: usize = 64;
/// Statuses in the order in which a folded module counts them.
const ORDER: [DisplayStatus; 7] = [
    DisplayStatus::Failed,
    DisplayStatus::Running,
    DisplayStatus::Cancelled,
    DisplayStatus::Success,
    DisplayStatus::Skipped,
    DisplayStatus::Unknown,
    DisplayStatus::Pending,
];

/// Modules after folding.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    pub modules: Vec<ModuleView>,
    /// Index of the failed module among `modules`.
    pub failed: Option<usize>,
}

/// Consecutive modules in one place of the display.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    One(usize),
    More(Range<usize>),
}

/// Folds the least important modules until the display `fits` the others; `None` when it fits all.
///
/// `fits` gets an entry for each place, true where a module has focus, and whether any are folded.
/// `failed` is the index of the module that ended the run.
pub fn fold(
    modules: &[ModuleView],
    failed: Option<usize>,
    mut fits: impl FnMut(&[bool], bool) -> bool,
) -> Option<Fold> {
    let has_focus = |index: usize| modules[index].has_focus() || failed == Some(index);
    let all: Vec<bool> = (0..modules.len()).map(has_focus).collect();
    if modules.len() <= 1 || fits(&all, false) {
        return None;
    }
    let mut order: Vec<usize> = (0..modules.len()).collect();
    order.sort_by_key(|index| rank(modules, failed, *index));
    let mut shown = modules.len().min(MOST_SHOWN);
    let places = loop {
        let places = places_of(&order[..shown], modules.len());
        let focus: Vec<bool> = places
            .iter()
            .map(|place| matches!(place, Place::One(index) if has_focus(*index)))
            .collect();
        let is_folded = places.len() < modules.len();
        if shown <= 1 || is_folded && fits(&focus, true) {
            break places;
        }
        shown -= 1;
    };
    let failed = failed.and_then(|failed| places.iter().position(|at| *at == Place::One(failed)));
    let modules = places.into_iter().map(|place| match place {
        Place::One(index) => modules[index].clone(),
        Place::More(range) => folded(&modules[range]),
    });
    Some(Fold { modules: modules.collect(), failed })
}

/// Returns a module's rank among those to be shown, the smallest first.
fn rank(modules: &[ModuleView], failed: Option<usize>, index: usize) -> (u8, usize) {
    let module = &modules[index];
    let matters = |index: usize| {
        failed == Some(index)
            || modules.get(index).is_some_and(|module| {
                module.has_focus() || module.stopped || module.status == NodeStatus::Failed
            })
    };
    let beside = (index > 0 && matters(index - 1)) || matters(index + 1);
    let rank = match module.name.as_str() {
        _ if failed == Some(index) => 0,
        _ if module.status == NodeStatus::Failed || module.stopped => 1,
        _ if module.has_focus() => 2,
        // The FIX loop hangs between them.
        "COMPOSE" | "VALIDATE" => 3,
        _ if beside => 4,
        name if PIPELINE.contains(&name) => 5,
        _ => 6,
    };
    // Of steps that the pipeline does not know, the last to appear are the most interesting.
    (rank, if rank == 6 { modules.len() - index } else { index })
}

/// Returns the places of all modules, in order, when only `shown` are not folded.
fn places_of(shown: &[usize], count: usize) -> Vec<Place> {
    let mut shown = shown.to_vec();
    shown.sort_unstable();
    let mut places = Vec::with_capacity(2 * shown.len() + 1);
    let mut next = 0;
    for index in shown.into_iter().chain([count]) {
        match index - next {
            0 => {}
            // A single module needs no more room than its fold.
            1 => places.push(Place::One(next)),
            _ => places.push(Place::More(next..index)),
        }
        if index < count {
            places.push(Place::One(index));
        }
        next = index + 1;
    }
    places
}

/// Returns the module that stands for others.
fn folded(modules: &[ModuleView]) -> ModuleView {
    let status_of = |module: &ModuleView| match module.status {
        _ if module.stopped => DisplayStatus::Cancelled,
        status => DisplayStatus::from(status),
    };
    let count = |status: DisplayStatus| {
        (status, modules.iter().filter(|module| status_of(module) == status).count())
    };
    let counts: Vec<_> = ORDER.into_iter().map(count).filter(|(_, count)| *count > 0).collect();
    let has = |status: NodeStatus| modules.iter().any(|module| module.status == status);
    // Cables show how far the signal has come.
    let status = [NodeStatus::Running, NodeStatus::Success, NodeStatus::Failed]
        .into_iter()
        .find(|status| has(*status))
        .or_else(|| modules.first().map(|module| module.status));
    ModuleView {
        folded: Some(Folded { counts }),
        ..ModuleView::new(format!("+{} more", modules.len()), status.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn modules(statuses: &[(&str, NodeStatus)]) -> Vec<ModuleView> {
        let of = |(name, status): &(&str, NodeStatus)| ModuleView::new((*name).to_owned(), *status);
        statuses.iter().map(of).collect()
    }

    fn names(fold: &Fold) -> Vec<&str> {
        fold.modules.iter().map(|module| module.name.as_str()).collect()
    }

    fn extra(count: usize, status: NodeStatus) -> Vec<ModuleView> {
        (0..count).map(|index| ModuleView::new(format!("STEP_{index:03}"), status)).collect()
    }

    #[test]
    fn modules_that_fit_are_not_folded() {
        let all = extra(9, NodeStatus::Running);
        assert_eq!(fold(&all, None, |focus, _| focus.len() <= 9), None);
    }

    #[test]
    fn failed_step_and_its_neighbours_stay_and_the_rest_is_counted_by_status() {
        let mut all = modules(&[("PLAN", NodeStatus::Success), ("STYLE", NodeStatus::Skipped)]);
        all.extend(extra(40, NodeStatus::Success));
        all.push(ModuleView::new("STEP_LAST".to_owned(), NodeStatus::Failed));
        let fold = fold(&all, Some(42), |focus, _| focus.len() <= 6).unwrap();
        assert_eq!(
            names(&fold),
            ["PLAN", "STYLE", "+38 more", "STEP_038", "STEP_039", "STEP_LAST"]
        );
        assert_eq!(fold.failed, Some(5));
        let folded = fold.modules[2].folded.as_ref().unwrap();
        assert_eq!(folded.counts, [(DisplayStatus::Success, 38)]);
    }

    #[test]
    fn running_steps_come_before_the_pipeline_and_those_without_room_are_counted() {
        let mut all = modules(&PIPELINE.map(|name| (name, NodeStatus::Pending)));
        all.extend(extra(24, NodeStatus::Running));
        let fold = fold(&all, None, |focus, _| focus.len() <= 8).unwrap();
        assert_eq!(names(&fold)[..3], ["+9 more", "STEP_000", "STEP_001"]);
        assert_eq!(*names(&fold).last().unwrap(), "+18 more");
        let last = fold.modules.last().unwrap();
        assert!(!last.has_focus(), "a fold is not enlarged");
        assert_eq!(last.folded.as_ref().unwrap().counts, [(DisplayStatus::Running, 18)]);
    }

    #[test]
    fn failed_step_stays_among_many_running_ones() {
        let mut all = extra(100, NodeStatus::Running);
        all[60].status = NodeStatus::Failed;
        let fold = fold(&all, None, |focus, _| focus.len() <= 7).unwrap();
        assert!(names(&fold).contains(&"STEP_060"), "{:?}", names(&fold));
    }

    #[test]
    fn every_module_is_shown_or_counted_once_even_without_any_room() {
        for count in [2, 3, 17, 300] {
            for room in [0, 1, 2, 5, 40] {
                let all = extra(count, NodeStatus::Success);
                let Some(fold) = fold(&all, Some(count / 2), |focus, _| focus.len() <= room) else {
                    assert!(count <= room);
                    continue;
                };
                let counted: usize = fold
                    .modules
                    .iter()
                    .map(|module| match &module.folded {
                        Some(folded) => folded.counts.iter().map(|(_, count)| count).sum(),
                        None => 1,
                    })
                    .sum();
                assert_eq!(counted, count);
                assert_eq!(fold.modules[fold.failed.unwrap()].name, all[count / 2].name);
            }
        }
    }
}
