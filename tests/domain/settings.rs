//! Check that `docs/settings.md` lists every option, generated from the program's own option table.
//! After a change of an option, `METERBRIDGE_UPDATE_DOCS=1 cargo test --test domain settings` rewrites
//! the tables.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory};
use meterbridge::cli::Cli;
use meterbridge::query::{self, QueryError};

const UPDATE: &str = "METERBRIDGE_UPDATE_DOCS";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/settings.md")
}

/// Returns the page with the content between the markers of one table replaced.
fn with_table(page: &str, table: &str, content: &str) -> String {
    let begin = format!("<!-- table: {table} -->\n");
    let from = page.find(&begin).map(|at| at + begin.len());
    let to = from.and_then(|from| Some(from + page[from..].find("<!-- end -->")?));
    let (Some(from), Some(to)) = (from, to) else {
        panic!("docs/settings.md has no markers for the table `{table}`");
    };
    format!("{}{content}{}", &page[..from], &page[to..])
}

/// Returns the number and both texts of the first line in which two pages differ.
fn first_difference<'a>(written: &'a str, expected: &'a str) -> Option<(usize, &'a str, &'a str)> {
    let (mut written, mut expected) = (written.lines(), expected.lines());
    (1..).find_map(|number| match (written.next(), expected.next()) {
        (None, None) => Some(None),
        (left, right) if left == right => None,
        (left, right) => Some(Some((number, left.unwrap_or_default(), right.unwrap_or_default()))),
    })?
}

/// Formats names of options and variables as code, and escapes bars, which would end a table's cell.
fn cell(text: &str) -> String {
    let in_code = |word: &str| {
        let name = word.trim_end_matches([',', ';', '.', ']', ')']);
        let is_name = name.starts_with("--") || name.starts_with("METERBRIDGE_");
        match is_name && !word.contains('`') {
            true => format!("`{name}`{}", &word[name.len()..]),
            false => word.to_owned(),
        }
    };
    let words: Vec<String> = text.split_whitespace().map(in_code).collect();
    words.join(" ").replace('|', "\\|")
}

/// Returns the spelling of an option: `--panel[=yes|no]`, `--theme THEME`, `--kiosk`, `URL`.
fn spelling(arg: &Arg) -> String {
    let value = arg.get_value_names().unwrap_or_default().join(" ");
    let value = if value.is_empty() { arg.get_id().as_str().to_uppercase() } else { value };
    let takes_value = arg.get_action().takes_values();
    let name = match (arg.get_long(), takes_value) {
        (None, _) => value,
        (Some(long), false) => format!("--{long}"),
        (Some(long), true) if arg.is_require_equals_set() => format!("--{long}[={value}]"),
        (Some(long), true) => format!("--{long} {value}"),
    };
    let name = name.replace('|', "\\|");
    match arg.get_short() {
        Some(short) => format!("`{name}`, `-{short}`"),
        None => format!("`{name}`"),
    }
}

/// Returns an option's description and default. A default that depends on other options is in brackets
/// at the end of the help text.
fn meaning(arg: &Arg) -> (String, String) {
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, told) = match help.rsplit_once("[default: ") {
        Some((help, default)) => (help.trim_end(), default.strip_suffix(']')),
        None => (help.as_str(), None),
    };
    let mut help = cell(help);
    let takes_value = arg.get_action().takes_values();
    let values: Vec<String> =
        arg.get_possible_values().iter().map(|value| format!("`{}`", value.get_name())).collect();
    if takes_value && !arg.is_hide_possible_values_set() && !values.is_empty() {
        help = format!("{help}: {}", values.join(" or "));
    }
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    let default = match told {
        Some(told) => cell(told),
        None if !takes_value => "off".to_owned(),
        None if defaults.is_empty() => "none".to_owned(),
        None => defaults.join(" "),
    };
    (help, default)
}

/// True for an option that a page's URL accepts as well.
fn is_in_a_page(arg: &Arg) -> bool {
    let Some(long) = arg.get_long() else { return false };
    let read = query::read(&[&format!("{long}=")], Some("ws://host/events"));
    !matches!(read, Err(QueryError::Unknown { .. }))
}

/// Returns tables of options, one for each heading of the help.
fn tables<'a>(args: impl Iterator<Item = &'a Arg>, pages: bool) -> String {
    let mut headings: Vec<(Option<&str>, String)> = Vec::new();
    for arg in args {
        let heading = arg.get_help_heading();
        let at = headings.iter().position(|(name, _)| *name == heading).unwrap_or_else(|| {
            headings.push((heading, String::new()));
            headings.len() - 1
        });
        let (help, default) = meaning(arg);
        let env = arg.get_env().map_or_else(String::new, |env| format!("`{}`", env.display()));
        let page = match () {
            () if !pages => "",
            () if is_in_a_page(arg) => " yes |",
            () => " |",
        };
        let rows = &mut headings[at].1;
        writeln!(rows, "| {} | {env} | {help} | {default} |{page}", spelling(arg)).unwrap();
    }
    // Options without a heading come first, as in the help.
    headings.sort_by_key(|(heading, _)| heading.is_some());
    let mut tables = String::new();
    for (heading, rows) in headings {
        if let Some(heading) = heading {
            writeln!(tables, "\n### {heading}").unwrap();
        }
        let (page, rule) = if pages { (" page |", " --- |") } else { ("", "") };
        write!(
            tables,
            "\n| option | environment | what it does | default |{page}\n\
             | --- | --- | --- | --- |{rule}\n{rows}"
        )
        .unwrap();
    }
    tables + "\n"
}

/// Returns a command's own options as tables, and the names of those that it shares with the window.
fn own_tables(command: &Command, window: &Command) -> String {
    // A name alone is not enough: `--speed` is a recording's in the window, and the studio's here.
    let is_shared = |arg: &&Arg| {
        let mut others = window.get_arguments();
        arg.get_long().is_some()
            && others.any(|it| (it.get_long(), it.get_env()) == (arg.get_long(), arg.get_env()))
    };
    let mut content = tables(command.get_arguments().filter(|arg| !is_shared(arg)), false);
    let shared: Vec<String> = command
        .get_arguments()
        .filter(is_shared)
        .filter_map(|arg| Some(format!("`--{}`", arg.get_long()?)))
        .collect();
    if !shared.is_empty() {
        writeln!(content, "Shared with the window: {}.\n", shared.join(", ")).unwrap();
    }
    content
}

/// Returns every table with its name on the page. A build without the window has no `snapshot`.
fn all_tables() -> Vec<(String, String)> {
    let window = Cli::command();
    let mut all = vec![("window".to_owned(), tables(window.get_arguments(), true))];
    for command in window.get_subcommands() {
        all.push((command.get_name().to_owned(), own_tables(command, &window)));
    }
    all
}

#[test]
fn settings_page_lists_every_option_of_the_program() {
    let written = std::fs::read_to_string(page()).unwrap();
    let mut expected = written.clone();
    for (table, content) in all_tables() {
        expected = with_table(&expected, &table, &content);
    }
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(page(), expected).unwrap();
        return;
    }
    if let Some((line, written, expected)) = first_difference(&written, &expected) {
        panic!(
            "docs/settings.md is stale in line {line}:\n  it has  {written}\n  options {expected}\n\
             `{UPDATE}=1 cargo test --test domain settings` writes it again"
        );
    }
}

#[test]
fn stale_row_is_found_by_its_line() {
    let page = "# Settings\n<!-- table: window -->\n| `--old` |\n<!-- end -->\nrest\n";
    let expected = with_table(page, "window", "| `--new` |\n");
    assert_eq!(expected, "# Settings\n<!-- table: window -->\n| `--new` |\n<!-- end -->\nrest\n");
    assert_eq!(first_difference(page, &expected), Some((3, "| `--old` |", "| `--new` |")));
    assert_eq!(first_difference(page, page), None);
}

#[test]
fn names_are_formatted_as_code_and_bars_are_escaped() {
    assert_eq!(cell("with --kiosk, as a|b"), "with `--kiosk`, as a\\|b");
    assert_eq!(cell("`--kiosk` and METERBRIDGE_TOKEN"), "`--kiosk` and `METERBRIDGE_TOKEN`");
}
