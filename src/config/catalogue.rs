//! The table of options as the table of settings: each option of the window is a setting of the same name.

use clap::{Arg, ArgAction, Command};

use super::entries::{Origin, SettingEntry, SettingKind, is_yes};

/// Options that are no settings: they have another spelling, or choose the settings.
const NOT_A_SETTING: [&str; 5] = ["help", "no-panel", "profile", "settings", "version"];

/// Group of settings without a heading, which is the source.
const SOURCE_GROUP: &str = "Source";

/// Returns the name of the setting that an option is; `None` where it is none.
pub(super) fn name_of(arg: &Arg) -> Option<&str> {
    match arg.get_long() {
        Some(long) => Some(long).filter(|long| !NOT_A_SETTING.contains(long)),
        None => arg.is_positional().then(|| arg.get_id().as_str()),
    }
}

/// Returns the option of a setting.
pub(super) fn option_of<'a>(command: &'a Command, name: &str) -> Option<&'a Arg> {
    command.get_arguments().find(|arg| name_of(arg) == Some(name))
}

/// Returns every setting of a command with its default, ordered by groups.
pub(super) fn entries_of(command: &Command) -> Vec<SettingEntry> {
    let mut groups: Vec<String> = Vec::new();
    let mut entries: Vec<(usize, SettingEntry)> = Vec::new();
    for arg in command.get_arguments() {
        let Some(name) = name_of(arg) else { continue };
        let entry = entry_of(arg, name);
        let place = groups.iter().position(|group| *group == entry.group).unwrap_or_else(|| {
            groups.push(entry.group.clone());
            groups.len() - 1
        });
        entries.push((place, entry));
    }
    entries.sort_by_key(|(place, _)| *place);
    entries.into_iter().map(|(_, entry)| entry).collect()
}

fn entry_of(arg: &Arg, name: &str) -> SettingEntry {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    // A default that depends on other options is in brackets at the end of the help.
    let (help, told) = match help.rsplit_once("[default: ") {
        Some((help, default)) => (help.trim_end().to_owned(), default.strip_suffix(']')),
        None => (help.clone(), None),
    };
    let told = told.map(str::to_owned);
    let values: Vec<String> =
        arg.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect();
    let kind = kind_of(arg);
    let default = match (told, &kind) {
        (Some(told), _) => told,
        (None, SettingKind::Switch) => "no".to_owned(),
        (None, _) => values.join(", "),
    };
    SettingEntry {
        name: name.to_owned(),
        group: arg.get_help_heading().unwrap_or(SOURCE_GROUP).to_owned(),
        help,
        unit: if value_name(arg) == "SECONDS" { "s" } else { "" },
        kind,
        default,
        variable: arg.get_env().map(|name| name.to_string_lossy().into_owned()),
        values: Vec::new(),
        origin: Origin::Default,
        loses: None,
        wrong_line: None,
    }
}

fn value_name(arg: &Arg) -> &str {
    arg.get_value_names().and_then(|names| names.first()).map_or("", |name| name.as_str())
}

fn kind_of(arg: &Arg) -> SettingKind {
    let choices: Vec<String> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
    match arg.get_action() {
        ArgAction::SetTrue => SettingKind::Switch,
        ArgAction::Append => SettingKind::List,
        _ if value_name(arg) == "yes|no" => SettingKind::Switch,
        _ if !choices.is_empty() => SettingKind::Choice(choices),
        _ if ["N", "SECONDS", "FACTOR", "LEVEL"].contains(&value_name(arg)) => SettingKind::Number,
        _ => SettingKind::Text,
    }
}

/// Returns the arguments of the command line that give an option these values.
///
/// # Errors
///
/// Says what is expected where no argument can.
pub(super) fn arguments_of(arg: &Arg, values: &[String]) -> Result<Vec<String>, String> {
    let Some(name) = arg.get_long() else {
        return match values.iter().find(|value| value.is_empty() || value.starts_with('-')) {
            Some(_) => Err("expected an address or a recording".to_owned()),
            None => Ok(values.to_vec()),
        };
    };
    let takes_many = matches!(arg.get_action(), ArgAction::Append);
    if values.len() > 1 && !takes_many {
        return Err("expected one value, not a list".to_owned());
    }
    if matches!(arg.get_action(), ArgAction::SetTrue) {
        return match values.first().and_then(|value| is_yes(value)) {
            Some(true) => Ok(vec![format!("--{name}")]),
            Some(false) => Ok(Vec::new()),
            None => Err("expected true or false".to_owned()),
        };
    }
    Ok(values.iter().map(|value| format!("--{name}={value}")).collect())
}
