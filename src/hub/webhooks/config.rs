//! The file of `--webhooks`: which address is told what, in TOML.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::tz::TimeZone;
use ring::hmac;
use thiserror::Error;
use toml_edit::{Document, Item, Table};

use super::quiet::QuietHours;
use super::rule::{Events, RuleSettings};
use super::template::Template;
use crate::source::{ApiUrl, Secret, parse_api_url};
use crate::text;

/// Maximum size of the file in bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Maximum number of webhooks.
const MOST_WEBHOOKS: usize = 32;

/// Longest time in seconds for which news are collected, or after which an outage is told.
const MOST_SECS: i64 = 3_600;

const KEYS: [&str; 15] = [
    "name",
    "url",
    "url_env",
    "url_file",
    "format",
    "events",
    "template",
    "secret_env",
    "secret_file",
    "quiet",
    "zone",
    "urgent",
    "group_secs",
    "outage_secs",
    "page",
];

/// Form of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// All fields as JSON.
    #[default]
    Json,
    /// `{"text": …}`, as Slack and Mattermost take it.
    Slack,
}

/// A webhook: an address, and what it is told.
#[derive(Clone)]
pub struct Webhook {
    /// Name in logs and metrics.
    pub name: String,
    /// Address. Its path may be a secret.
    pub url: ApiUrl,
    pub format: Format,
    pub template: Template,
    /// Key of signatures.
    pub key: Option<hmac::Key>,
    /// Address of the hub's page, for links.
    pub page: Option<String>,
    pub rule: RuleSettings,
}

impl Webhook {
    /// Returns name, host, form and events in words, without secrets.
    pub fn words(&self) -> String {
        let Events { failure, recovery, slow, backend_lost } = self.rule.events;
        let events = [
            (failure, "failure"),
            (recovery, "recovery"),
            (slow, "slow"),
            (backend_lost, "backend_lost"),
        ];
        let events: Vec<&str> =
            events.into_iter().filter(|(is_told, _)| *is_told).map(|(_, name)| name).collect();
        let format = match self.format {
            Format::Json => "json",
            Format::Slack => "slack",
        };
        let signed = if self.key.is_some() { ", signed" } else { "" };
        let quiet = self.rule.quiet.as_ref().map(|quiet| format!(", quiet {}", quiet.words()));
        format!(
            "{}: {} as {format}{signed}: {}{}",
            self.name,
            self.url.authority(),
            if events.is_empty() { "nothing".to_owned() } else { events.join(", ") },
            quiet.unwrap_or_default()
        )
    }
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Webhook({})", self.name)
    }
}

impl PartialEq for Webhook {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, &self.url, &self.rule) == (&other.name, &other.url, &other.rule)
    }
}

/// Reason why the file cannot be used. Contains no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WebhookError {
    #[error("--webhooks: cannot read `{}`: {detail}", .path.display())]
    Unreadable { path: PathBuf, detail: String },
    #[error("{}:{line}:{column}: {words}", .path.display())]
    Wrong { path: PathBuf, line: usize, column: usize, words: String },
}

/// Mistake in the file: its words, and its place in the text in bytes.
struct Fault {
    words: String,
    place: usize,
}

/// Reads a file of webhooks.
///
/// # Errors
///
/// Fails when the file cannot be read, and at the first mistake in it.
pub fn read_file(path: &Path) -> Result<Vec<Webhook>, WebhookError> {
    use std::io::Read;

    let unreadable = |error: std::io::Error| WebhookError::Unreadable {
        path: path.to_owned(),
        detail: error.to_string(),
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut text = String::new();
    file.take(MOST_BYTES).read_to_string(&mut text).map_err(unreadable)?;
    read_text(&text, path, |name| std::env::var(name).ok())
}

/// Reads the text of a file of webhooks; `variable` returns variables of the environment. Other files are
/// found from the folder of `path`.
///
/// # Errors
///
/// Fails at the first mistake.
pub fn read_text(
    text: &str,
    path: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<Webhook>, WebhookError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    read_document(text, folder, &variable).map_err(|Fault { words, place }| {
        let head = text::head_of(text, place);
        let line = head.rsplit('\n').next().unwrap_or_default();
        WebhookError::Wrong {
            path: path.to_owned(),
            line: head.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            words: text::excerpt(&words, 400),
        }
    })
}

fn read_document(
    text: &str,
    folder: &Path,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Webhook>, Fault> {
    let document = Document::parse(text).map_err(|error| Fault {
        words: error.message().replace('\n', ", "),
        place: error.span().map_or(0, |span| span.start),
    })?;
    let mut webhooks = Vec::new();
    let mut names = BTreeSet::new();
    for (name, item) in document.as_table() {
        let place = document.as_table().key(name).and_then(toml_edit::Key::span);
        let place = place.map_or(0, |span| span.start);
        let tables = item.as_array_of_tables().filter(|_| name == "webhook");
        let Some(tables) = tables else {
            let words = format!("`{}`: write a [[webhook]] for each address", text::name(name));
            return Err(Fault { words, place });
        };
        for table in tables {
            let reader = Reader { table, folder, variable };
            let webhook = reader.webhook()?;
            if !names.insert(webhook.name.clone()) {
                let words =
                    format!("the name `{}` is taken: give each webhook another", webhook.name);
                return Err(Fault { words, place: reader.place("name") });
            }
            webhooks.push(webhook);
        }
    }
    match webhooks.len() {
        0 => Err(Fault { words: "there is no [[webhook]]".to_owned(), place: 0 }),
        1..=MOST_WEBHOOKS => Ok(webhooks),
        _ => Err(Fault { words: format!("more than {MOST_WEBHOOKS} webhooks"), place: 0 }),
    }
}

/// Reader of one table.
struct Reader<'a> {
    table: &'a Table,
    folder: &'a Path,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn webhook(&self) -> Result<Webhook, Fault> {
        for (key, _) in self.table {
            if !KEYS.contains(&key) {
                let words =
                    format!("unknown key `{}`; there are {}", text::name(key), KEYS.join(", "));
                return Err(Fault { words, place: self.key_place(key) });
            }
        }
        let url = self.url()?;
        let name = match self.text("name")? {
            Some(name) => text::excerpt(name, 64),
            None => url.authority(),
        };
        let format = match self.text("format")? {
            None | Some("json") => Format::Json,
            Some("slack") => Format::Slack,
            Some(_) => return Err(self.fault("format", "expected \"json\" or \"slack\"")),
        };
        let template = match self.text("template")? {
            None => Template::default(),
            Some(template) => Template::parse(template).map_err(|error| Fault {
                words: format!("template: {}", error.words),
                // One quotation mark before the text; other spellings are off by their length.
                place: self.place("template") + 1 + error.place.start,
            })?,
        };
        let key = self.secret("secret_env", "secret_file")?;
        let key = key.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret.reveal().as_bytes()));
        let page = self.text("page")?.map(|page| self.page(page)).transpose()?;
        let seconds = |key, default| self.seconds(key, default);
        let usual = RuleSettings::default();
        let rule = RuleSettings {
            events: self.events("events")?.unwrap_or(usual.events),
            quiet: self.quiet()?,
            urgent: self.events("urgent")?.unwrap_or(usual.urgent),
            group_for: seconds("group_secs", usual.group_for)?,
            outage_after: seconds("outage_secs", usual.outage_after)?,
        };
        Ok(Webhook { name, url, format, template, key, page, rule })
    }

    fn url(&self) -> Result<ApiUrl, Fault> {
        let key = if self.table.contains_key("url") { "url" } else { "url_env" };
        let hidden = self.secret("url_env", "url_file")?;
        let text = match (self.text("url")?, &hidden) {
            (Some(url), None) => url,
            (None, Some(hidden)) => hidden.reveal(),
            _ => {
                let words = "name the address with one of url, url_env and url_file";
                return Err(self.fault(key, words));
            }
        };
        parse_api_url(text).map_err(|error| self.fault(key, &error.to_string()))
    }

    fn page(&self, page: &str) -> Result<String, Fault> {
        let url = parse_api_url(page).map_err(|error| self.fault("page", &error.to_string()))?;
        match url.userinfo() {
            None => Ok(format!("{url}/")),
            Some(_) => Err(self.fault("page", "the address of the page holds a password")),
        }
    }

    /// Reads a secret from a variable of the environment or a file.
    fn secret(&self, env: &str, file: &str) -> Result<Option<Secret>, Fault> {
        match (self.text(env)?, self.text(file)?) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(self.fault(file, &format!("{env} and {file} exclude each other")))
            }
            (Some(name), None) => {
                let secret = (self.variable)(name).and_then(|value| Secret::new(&value));
                let words = format!("the variable {} is not set", text::name(name));
                secret.map(Some).ok_or_else(|| self.fault(env, &words))
            }
            (None, Some(path)) => {
                let secret = Secret::of_file(&self.folder.join(path));
                secret.map(Some).map_err(|error| self.fault(file, &error.to_string()))
            }
        }
    }

    fn quiet(&self) -> Result<Option<QuietHours>, Fault> {
        let zone = match self.text("zone")? {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|_| {
                self.fault("zone", "expected the name of a time zone, such as Europe/Berlin")
            })?,
        };
        let Some(text) = self.text("quiet")? else { return Ok(None) };
        let words = "expected the begin and end of quiet hours, such as \"22:00-07:00\"";
        QuietHours::parse(text, zone).map(Some).ok_or_else(|| self.fault("quiet", words))
    }

    fn events(&self, key: &str) -> Result<Option<Events>, Fault> {
        let Some(item) = self.table.get(key) else { return Ok(None) };
        let words = "expected a list of failure, recovery, slow and backend_lost";
        let Some(array) = item.as_array() else { return Err(self.fault(key, words)) };
        let none = Events { failure: false, recovery: false, slow: false, backend_lost: false };
        let mut events = none;
        for value in array {
            match value.as_str() {
                Some("failure") => events.failure = true,
                Some("recovery") => events.recovery = true,
                Some("slow") => events.slow = true,
                Some("backend_lost") => events.backend_lost = true,
                _ => {
                    let place = start(value.span()).unwrap_or(self.place(key));
                    return Err(Fault { words: format!("{key}: {words}"), place });
                }
            }
        }
        Ok(Some(events))
    }

    fn seconds(&self, key: &str, default: Duration) -> Result<Duration, Fault> {
        let Some(item) = self.table.get(key) else { return Ok(default) };
        let seconds = item.as_integer().filter(|seconds| (1..=MOST_SECS).contains(seconds));
        let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
        let words = format!("expected whole seconds from 1 to {MOST_SECS}");
        seconds.map(Duration::from_secs).ok_or_else(|| self.fault(key, &words))
    }

    fn text(&self, key: &str) -> Result<Option<&str>, Fault> {
        match self.table.get(key) {
            None => Ok(None),
            Some(item) => match item.as_str().filter(|text| !text.trim().is_empty()) {
                Some(text) => Ok(Some(text)),
                None => Err(self.fault(key, "expected a text")),
            },
        }
    }

    fn fault(&self, key: &str, words: &str) -> Fault {
        Fault { words: format!("{key}: {words}"), place: self.place(key) }
    }

    /// Returns the place of a key's value; that of the table where there is none.
    fn place(&self, key: &str) -> usize {
        let value = start(self.table.get(key).and_then(Item::span));
        value.or_else(|| start(self.table.span())).unwrap_or(0)
    }

    fn key_place(&self, key: &str) -> usize {
        start(self.table.key(key).and_then(toml_edit::Key::span)).unwrap_or(self.place(key))
    }
}

fn start(span: Option<Range<usize>>) -> Option<usize> {
    span.map(|span| span.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Webhook>, String> {
        let variable = |name: &str| match name {
            "HOOK" => Some("https://hooks.example/services/T0/s3cr3t".to_owned()),
            "KEY" => Some("k3y".to_owned()),
            _ => None,
        };
        read_text(text, Path::new("w.toml"), variable).map_err(|error| error.to_string())
    }

    #[test]
    fn webhooks_are_read_with_defaults() {
        let text = r#"
            [[webhook]]
            url_env = "HOOK"
            format = "slack"
            template = "<!here> {text}"
            secret_env = "KEY"
            quiet = "22:00-07:00"
            zone = "Europe/Berlin"
            urgent = ["backend_lost"]

            [[webhook]]
            name = "ops"
            url = "http://127.0.0.1:9/x?y=z"
            events = ["failure", "slow"]
            group_secs = 300
            outage_secs = 5
            page = "https://studio.example"
        "#;
        let webhooks = read(text).unwrap();
        let [slack, ops] = &webhooks[..] else { panic!("{webhooks:?}") };
        assert_eq!((slack.name.as_str(), slack.format), ("hooks.example", Format::Slack));
        assert!(
            slack.key.is_some() && slack.rule.urgent.backend_lost && !slack.rule.urgent.failure
        );
        assert_eq!(slack.rule.events, RuleSettings::default().events);
        assert_eq!(slack.rule.quiet.as_ref().unwrap().words(), "22:00–07:00");
        assert_eq!(ops.url.location().target(), "/x?y=z");
        let events = Events { failure: true, slow: true, ..RuleSettings::default().urgent };
        assert_eq!(
            (ops.rule.events, ops.page.as_deref()),
            (events, Some("https://studio.example/"))
        );
        assert_eq!(ops.rule.group_for, Duration::from_secs(300));
        assert!(!format!("{webhooks:?}").contains("s3cr3t"));
        assert_eq!(
            [slack.words(), ops.words()],
            [
                "hooks.example: hooks.example as slack, signed: failure, recovery, backend_lost, quiet \
                 22:00–07:00",
                "ops: 127.0.0.1:9 as json: failure, slow"
            ]
        );
    }

    #[test]
    fn mistakes_are_told_with_line_and_column_and_without_secrets() {
        for (text, message) in [
            ("", "w.toml:1:1: there is no [[webhook]]"),
            ("x = 1", "w.toml:1:1: `x`: write a [[webhook]] for each address"),
            (
                "[[webhook]]\nname = \"a\"",
                "w.toml:1:1: url_env: name the address with one of url, url_env and url_file",
            ),
            (
                "[[webhook]]\nurl = \"http://h\"\nevents = [\"failure\", \"faliure\"]",
                "w.toml:3:22: events: expected a list of failure, recovery, slow and backend_lost",
            ),
            (
                "[[webhook]]\nurl_env = \"NONE\"",
                "w.toml:2:11: url_env: the variable NONE is not set",
            ),
            (
                "[[webhook]]\nurl = \"http://h\"\n  quiet = \"10-11\"",
                "w.toml:3:11: quiet: expected the begin and end of quiet hours, such as \"22:00-07:00\"",
            ),
            (
                "[[webhook]]\nurl = \"http://h\"\ngroup_secs = 0",
                "w.toml:3:14: group_secs: expected whole seconds from 1 to 3600",
            ),
            (
                "[[webhook]]\nurl = \"http://h\"\ntemplate = \"é {\"",
                "w.toml:3:15: template: `{` without `}`; write `{{` for a brace",
            ),
            (
                "[[webhook]]\nurl = \"http://h\"\n\n[[webhook]]\nurl = \"http://h\"",
                "w.toml:4:1: the name `h` is taken: give each webhook another",
            ),
        ] {
            assert_eq!(read(text).unwrap_err(), message);
        }
        let unknown = read("[[webhook]]\nurl = \"http://h\"\n urll = 1").unwrap_err();
        assert!(unknown.starts_with("w.toml:3:2: unknown key `urll`; there are name"), "{unknown}");
        let broken = read("[[webhook]]\nurl = \"http://h").unwrap_err();
        assert!(broken.starts_with("w.toml:2:"), "{broken}");
        let secret = read("[[webhook]]\nurl = \"ws://ann:s3cr3t@h\"").unwrap_err();
        assert!(secret.starts_with("w.toml:2:7: url: ") && !secret.contains("s3cr3t"), "{secret}");
    }
}
