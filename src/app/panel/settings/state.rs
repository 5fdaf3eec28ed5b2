//! State of the settings window between frames, the data that it shows, and the list of its settings.

use bevy::prelude::*;
use bevy_egui::egui::Id;

use crate::config::{SettingEntry, SettingsTable};

/// Input and choices of the user in the settings window.
#[derive(Resource, Clone, Debug, Default)]
pub(in crate::app::panel) struct SettingsState {
    /// Text of the search.
    pub query: String,
    /// Group that is shown alone.
    pub group: Option<String>,
    /// True to list only what is not at its default.
    pub only_changed: bool,
    /// Name of the chosen setting.
    pub chosen: Option<String>,
    /// Setting whose text is being typed, and that text.
    pub draft: Option<(String, String)>,
    pub was_open: bool,
    pub scroll_to_chosen: bool,
    /// True when the value of the chosen setting is to be changed: by its switch, list or field.
    pub enters: bool,
    /// True when a field had the focus in the last frame.
    pub has_field: bool,
    /// True when the search is to get the focus.
    pub wants_search: bool,
}

/// Inputs of the settings.
pub(in crate::app::panel) struct SettingsView<'a> {
    pub table: &'a SettingsTable,
    /// Name of the setting that was changed last, and the reason why its change was refused.
    pub refusal: Option<(&'a str, &'a str)>,
    /// Sentence on the last change that was saved.
    pub saved: Option<String>,
}

impl SettingsState {
    /// Notes that the window is closed; it opens without a search again.
    pub(super) fn close(&mut self) {
        if self.was_open {
            *self = Self::default();
        }
    }

    /// Shows a setting, whatever is searched for.
    pub(super) fn show(&mut self, name: String) {
        (self.query, self.group, self.only_changed) = (String::new(), None, false);
        (self.chosen, self.scroll_to_chosen) = (Some(name), true);
    }

    /// Returns the settings that are listed.
    pub(super) fn listed<'a>(&self, table: &'a SettingsTable) -> Vec<&'a SettingEntry> {
        let in_group =
            |entry: &&SettingEntry| self.group.as_ref().is_none_or(|group| *group == entry.group);
        self.found(table).into_iter().filter(in_group).collect()
    }

    /// Returns the settings that the search finds in all groups.
    pub(super) fn found<'a>(&self, table: &'a SettingsTable) -> Vec<&'a SettingEntry> {
        let query = self.query.to_lowercase();
        let words: Vec<&str> = query.split_whitespace().collect();
        let is_found = |entry: &&SettingEntry| {
            if self.only_changed && !is_changed(entry) {
                return false;
            }
            if words.is_empty() {
                return true;
            }
            let variable = entry.variable.as_deref().unwrap_or_default();
            let SettingEntry { name, group, help, .. } = entry;
            let text =
                format!("{} {name} {group} {help} {variable} {}", entry.title(), entry.value());
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        table.entries.iter().filter(is_found).collect()
    }

    /// Moves the choice by so many rows of those that are listed.
    pub(super) fn step(&mut self, table: &SettingsTable, by: isize) {
        let listed = self.listed(table);
        let here = |name: &String| listed.iter().position(|entry| entry.name == *name);
        let place = match self.chosen.as_ref().and_then(here) {
            Some(place) => place.saturating_add_signed(by).min(listed.len().saturating_sub(1)),
            None => 0,
        };
        self.chosen = listed.get(place).map(|entry| entry.name.clone());
        self.scroll_to_chosen = true;
    }

    /// Returns the setting that is chosen.
    pub(super) fn chosen<'a>(&self, table: &'a SettingsTable) -> Option<&'a SettingEntry> {
        self.chosen.as_ref().and_then(|name| table.entry(name))
    }
}

/// True when something sets the value.
pub(super) fn is_changed(entry: &SettingEntry) -> bool {
    !entry.values.is_empty()
}

/// Id of the search field.
pub(super) fn search_id() -> Id {
    Id::new("settings search")
}

/// Id of the field of a setting.
pub(super) fn field_id(name: &str) -> Id {
    Id::new(("setting", name))
}
