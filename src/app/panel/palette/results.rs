//! Results of the palette: runs, actions, steps of the selected run, and settings.

use super::fuzzy;
use crate::app::state::actions::{ACTIONS, ActionEntry};
use crate::app::state::focus::listed_runs;
use crate::app::state::run_store::RunStore;
use crate::config::{SettingEntry, SettingsTable};
use crate::model::Run;
use crate::protocol::{NodeName, RunId};

/// Rows of a group while all groups are shown, and while one is shown alone.
const FEW: [usize; 4] = [4, 4, 3, 3];
const MANY: usize = 200;

/// Kind of what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Runs,
    Actions,
    Steps,
    Settings,
}

impl Group {
    pub(super) const ALL: [Self; 4] = [Self::Runs, Self::Actions, Self::Steps, Self::Settings];

    /// Returns the sign that asks for this group alone, at the start of the query.
    pub(super) fn sign(self) -> char {
        match self {
            Self::Runs => '@',
            Self::Actions => '>',
            Self::Steps => '#',
            Self::Settings => ':',
        }
    }

    /// Returns the name beside the sign.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Runs => "runs",
            Self::Actions => "actions",
            Self::Steps => "steps",
            Self::Settings => "settings",
        }
    }
}

/// Something that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// A run.
    Run(RunId),
    /// An action, by its place in [`ACTIONS`].
    Action(usize),
    /// A step of the selected run.
    Step(RunId, NodeName),
    /// A setting, by its name.
    Setting(String),
}

impl Found {
    /// Returns the entry of an action.
    pub(super) fn entry(&self) -> Option<&'static ActionEntry> {
        match self {
            Self::Action(place) => ACTIONS.get(*place),
            _ => None,
        }
    }
}

/// A row of the palette.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub found: Found,
    /// Text that was searched.
    pub title: String,
    /// Characters of the title that were typed.
    pub places: Vec<usize>,
}

/// Rows of a group.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GroupResults {
    pub group: Group,
    pub items: Vec<Item>,
    /// Number of all matches, and of everything that was searched.
    pub matches: usize,
    pub searched: usize,
}

/// Query, split into the group that it asks for and the letters to find.
pub(super) fn parts_of(query: &str) -> (Option<Group>, &str) {
    let query = query.trim_start();
    let group = Group::ALL.into_iter().find(|group| query.starts_with(group.sign()));
    match group {
        Some(group) => (Some(group), query[group.sign().len_utf8()..].trim()),
        None => (None, query.trim()),
    }
}

/// Searches everything. `used` are the places of the actions used last, the newest first; with an empty query
/// they come first.
pub(super) fn search(
    query: &str,
    only: Option<Group>,
    run_store: &RunStore,
    run: Option<&Run>,
    used: &[usize],
    settings: Option<&SettingsTable>,
) -> Vec<GroupResults> {
    let (asked, letters) = parts_of(query);
    let only = asked.or(only);
    let groups = Group::ALL.into_iter().zip(FEW);
    let shown = groups.filter(|(group, _)| only.is_none_or(|only| only == *group));
    shown
        .map(|(group, few)| {
            let most = if only.is_some() { MANY } else { few };
            let candidates: Vec<(Found, String)> = match group {
                Group::Runs => {
                    let runs = listed_runs(run_store);
                    let titled = |run: &&Run| {
                        let id = run_store.short_id(run.id());
                        (Found::Run(run.id().clone()), format!("{}  {id}", run_store.name(run)))
                    };
                    runs.iter().map(titled).collect()
                }
                Group::Actions => {
                    let exists =
                        |place: &usize| ACTIONS.get(*place).is_some_and(ActionEntry::exists);
                    let rest = (0..ACTIONS.len()).filter(|place| !used.contains(place));
                    let places = used.iter().copied().chain(rest).filter(exists);
                    let titled =
                        |place: usize| (Found::Action(place), ACTIONS[place].name.to_owned());
                    places.map(titled).collect()
                }
                Group::Steps => {
                    let nodes = run.into_iter().flat_map(|run| {
                        let id = run.id();
                        run.nodes.iter().map(move |node| (id.clone(), node.name.clone()))
                    });
                    let titled = |(run, name): (RunId, NodeName)| {
                        let title = crate::text::name(&name).into_owned();
                        (Found::Step(run, name), title)
                    };
                    nodes.map(titled).collect()
                }
                Group::Settings => {
                    let entries = settings.into_iter().flat_map(|table| &table.entries);
                    let titled =
                        |entry: &SettingEntry| (Found::Setting(entry.name.clone()), entry.title());
                    entries.map(titled).collect()
                }
            };
            results(group, candidates, letters, most)
        })
        .filter(|results| !results.items.is_empty())
        .collect()
}

fn results(
    group: Group,
    candidates: Vec<(Found, String)>,
    letters: &str,
    most: usize,
) -> GroupResults {
    let searched = candidates.len();
    let mut scored: Vec<(i32, usize, Item)> = candidates
        .into_iter()
        .enumerate()
        .filter_map(|(place, (found, title))| {
            let matched = fuzzy::find(letters, &title)?;
            // Without letters the given order counts.
            let score = if letters.is_empty() { 0 } else { matched.score };
            Some((score, place, Item { found, title, places: matched.places }))
        })
        .collect();
    scored.sort_by_key(|(score, place, _)| (std::cmp::Reverse(*score), *place));
    let matches = scored.len();
    let items = scored.into_iter().take(most).map(|(.., item)| item).collect();
    GroupResults { group, items, matches, searched }
}
