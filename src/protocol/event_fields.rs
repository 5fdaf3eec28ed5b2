//! Fields of an event that only an inspector shows. They are read from the event's text when somebody
//! looks at it, not when it arrives.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::repair;
use crate::text;

/// Maximum number of items read of each kind; an event with more is read in its text.
const MOST_ITEMS: usize = 200;

/// Depth down to which objects among the parameters are read as parameters of their own.
const MOST_DEPTH: usize = 4;

/// Maximum length in bytes of a value on one line.
const LONGEST_VALUE: usize = 400;

/// Name and value of a parameter or metric, on one line each.
pub type NamedValue = (String, String);

/// Fields of one event that change no state. A field that is absent or of an unexpected type is `None` or
/// empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventFields {
    /// `data.skill_name`: the backend's program behind the node.
    pub skill: Option<String>,
    /// `data.seed` of a node's event.
    pub seed: Option<String>,
    /// `data.deterministic`: true when the same seed gives the same output.
    pub is_deterministic: Option<bool>,
    /// `data.model_params`, objects within it with dotted names, in order of name.
    pub model_params: Vec<NamedValue>,
    /// `data.output_hash`.
    pub output_hash: Option<String>,
    /// `issues`.
    pub issues: Vec<Issue>,
    /// `metrics`, in order of name.
    pub metrics: Vec<NamedValue>,
    /// `data.artifacts`, in order of name.
    pub artifacts: Vec<Artifact>,
    /// `data.error_type`.
    pub error_type: Option<String>,
    /// `data.stack_trace`, with its line breaks.
    pub stack_trace: Option<String>,
    /// Least total score that passes: `needs` of an artifact.
    pub pass_mark: Option<f64>,
}

/// One entry of `issues`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Issue {
    /// Severity as written: "error", "warning".
    pub severity: Option<String>,
    /// Text of the issue, which may have several lines.
    pub message: String,
    /// Code and field, as far as they are known: "E12, lyrics.verse".
    pub place: String,
}

/// A file or result that an event reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Key in `data.artifacts`, or the text itself where that is an array.
    pub name: String,
    /// Name of its file.
    pub file: Option<String>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Its other members on one line: "seconds 212, sample_rate 48000".
    pub summary: String,
}

impl EventFields {
    /// Reads an event's text. Empty when the text is not a JSON object, as when it was cut.
    pub fn read(text: &str) -> Self {
        let Some(Value::Object(event)) = value_of(text) else { return Self::default() };
        let none = Map::new();
        let data = event.get("data").and_then(Value::as_object).unwrap_or(&none);
        let word = |key: &str| data.get(key).and_then(scalar);
        let artifacts = data.get("artifacts").map(artifacts).unwrap_or_default();
        Self {
            skill: word("skill_name"),
            seed: word("seed"),
            is_deterministic: data.get("deterministic").and_then(Value::as_bool),
            model_params: data.get("model_params").map(parameters).unwrap_or_default(),
            output_hash: word("output_hash"),
            issues: event.get("issues").map(issues).unwrap_or_default(),
            metrics: event.get("metrics").map(parameters).unwrap_or_default(),
            artifacts,
            error_type: word("error_type"),
            stack_trace: data
                .get("stack_trace")
                .and_then(Value::as_str)
                .filter(|trace| !trace.trim().is_empty())
                .map(|trace| text::clean(trace).into_owned()),
            pass_mark: data.get("artifacts").and_then(pass_mark),
        }
    }
}

/// Returns the text as JSON: itself, or repaired as far as possible; `None` when it is beyond repair.
pub fn readable_json(text: &str) -> Option<Cow<'_, str>> {
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => Some(Cow::Borrowed(text)),
        Err(_) => repair::only_value(text),
    }
}

/// Returns the `data` of an event as JSON text; `None` where it has none, or is not a JSON object.
pub fn data_of(json: &str) -> Option<&str> {
    let fields: HashMap<Cow<str>, &RawValue> = serde_json::from_str(json).ok()?;
    fields.get("data").map(|data| data.get())
}

fn value_of(text: &str) -> Option<Value> {
    serde_json::from_str(text)
        .ok()
        .or_else(|| serde_json::from_str(&repair::only_value(text)?).ok())
}

/// Returns a scalar on one line; `None` for null, objects and arrays.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text.trim().is_empty() => None,
        Value::String(text) => Some(text::single_spaced(text, LONGEST_VALUE)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Object(_) | Value::Array(_) => None,
    }
}

/// Returns a value of any kind on one line, cut to what is kept.
fn one_line(value: &Value) -> String {
    match scalar(value) {
        Some(words) => words,
        None if value.is_null() => "null".to_owned(),
        None => text::excerpt(&value.to_string(), LONGEST_VALUE),
    }
}

fn parameters(value: &Value) -> Vec<NamedValue> {
    let mut found = Vec::new();
    if let Value::Object(members) = value {
        add_parameters("", members, MOST_DEPTH, &mut found);
    }
    found
}

fn add_parameters(
    before: &str,
    members: &Map<String, Value>,
    depth: usize,
    found: &mut Vec<NamedValue>,
) {
    for (name, value) in members {
        if found.len() >= MOST_ITEMS {
            return;
        }
        let name = format!("{before}{}", text::name(name));
        match value {
            Value::Object(inner) if depth > 1 && !inner.is_empty() => {
                add_parameters(&format!("{name}."), inner, depth - 1, found);
            }
            value => found.push((text::excerpt(&name, LONGEST_VALUE), one_line(value))),
        }
    }
}

fn issues(value: &Value) -> Vec<Issue> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    let issue = |item: &Value| match item {
        Value::Object(members) => {
            let word = |key: &str| members.get(key).and_then(scalar);
            let place: Vec<String> = ["code", "field"].into_iter().filter_map(word).collect();
            let message = members.get("message").and_then(Value::as_str);
            let message = message.map(|message| text::clean(message).into_owned());
            Issue {
                severity: word("severity"),
                message: message.unwrap_or_else(|| one_line(item)),
                place: place.join(", "),
            }
        }
        Value::String(message) => {
            Issue { message: text::clean(message).into_owned(), ..Issue::default() }
        }
        item => Issue { message: one_line(item), ..Issue::default() },
    };
    items.iter().take(MOST_ITEMS).map(issue).collect()
}

fn artifacts(value: &Value) -> Vec<Artifact> {
    match value {
        Value::Object(members) => {
            let members = members.iter().take(MOST_ITEMS);
            members.map(|(name, value)| artifact(name, value)).collect()
        }
        Value::Array(items) => {
            let named = |item: &Value| Some(artifact(&scalar(item)?, &Value::Null));
            items.iter().take(MOST_ITEMS).filter_map(named).collect()
        }
        _ => Vec::new(),
    }
}

fn artifact(name: &str, value: &Value) -> Artifact {
    let name = text::excerpt(&text::name(name), LONGEST_VALUE);
    let Value::Object(members) = value else {
        let summary = if value.is_null() { String::new() } else { one_line(value) };
        return Artifact { name, summary, ..Artifact::default() };
    };
    let known = ["file", "bytes", "size_bytes", "size"];
    let file = members.get("file").and_then(Value::as_str).map(|file| text::name(file).into());
    let bytes = known[1..].iter().find_map(|key| members.get(*key)?.as_u64());
    let others = members.iter().filter(|(key, _)| !known.contains(&key.as_str()));
    let summary: Vec<String> =
        others.map(|(key, value)| format!("{} {}", text::name(key), one_line(value))).collect();
    let summary = text::excerpt(&summary.join(", "), LONGEST_VALUE);
    Artifact { name, file, bytes, summary }
}

/// Returns the pass mark that a report among the artifacts tells.
fn pass_mark(artifacts: &Value) -> Option<f64> {
    let mut reports = artifacts.as_object()?.values();
    reports.find_map(|report| report.get("needs")?.as_f64()).filter(|mark| mark.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_the_backend_are_read() {
        let end = EventFields::read(
            r#"{"run_id":"r","phase":"end","metrics":{"loss":0.5,"tokens":1200},"issues":[],
                "data":{"skill_name":"amcs.plan.generate","output_hash":"ffeb29ea","model_params":
                {"temperature":0.2,"seed":42,"sampler":{"name":"euler","steps":60},"stop":null}}}"#,
        );
        assert_eq!(end.skill.as_deref(), Some("amcs.plan.generate"));
        assert_eq!(end.output_hash.as_deref(), Some("ffeb29ea"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let params = [
            pair("sampler.name", "euler"),
            pair("sampler.steps", "60"),
            pair("seed", "42"),
            pair("stop", "null"),
            pair("temperature", "0.2"),
        ];
        assert_eq!(end.model_params, params);
        assert_eq!(end.metrics, [pair("loss", "0.5"), pair("tokens", "1200")]);
        let start =
            EventFields::read(r#"{"data":{"seed":18446744073709551615,"deterministic":true}}"#);
        assert_eq!(start.seed.as_deref(), Some("18446744073709551615"));
        assert_eq!(start.is_deterministic, Some(true));
    }

    #[test]
    fn data_is_found_by_its_place_and_not_by_its_letters() {
        let told = r#"{"message":"the \"data\": are here","data":{"a":[1]}}"#;
        assert_eq!(data_of(told), Some(r#"{"a":[1]}"#));
        for none in [r#"{"message":"\"data\":7"}"#, "[1]", "", r#"{"data":{"a":"#] {
            assert_eq!(data_of(none), None, "{none}");
        }
    }

    #[test]
    fn issues_are_texts_or_objects() {
        let fields = EventFields::read(
            r#"{"issues":["too quiet",{"severity":"warning","message":"clips","code":"E12","field":"mix"},7]}"#,
        );
        let issue = |severity: Option<&str>, message: &str, place: &str| Issue {
            severity: severity.map(str::to_owned),
            message: message.to_owned(),
            place: place.to_owned(),
        };
        let expected = [
            issue(None, "too quiet", ""),
            issue(Some("warning"), "clips", "E12, mix"),
            issue(None, "7", ""),
        ];
        assert_eq!(fields.issues, expected);
    }

    #[test]
    fn artifacts_have_names_files_and_sizes() {
        let fields = EventFields::read(
            r#"{"data":{"artifacts":{"audio":{"file":"a.wav","bytes":1024,"seconds":212},
                "plan":"ok","validation_report":{"needs":0.8,"passed":false}}}}"#,
        );
        let artifact = |name: &str, file: Option<&str>, bytes, summary: &str| Artifact {
            name: name.to_owned(),
            file: file.map(str::to_owned),
            bytes,
            summary: summary.to_owned(),
        };
        let expected = [
            artifact("audio", Some("a.wav"), Some(1024), "seconds 212"),
            artifact("plan", None, None, "ok"),
            artifact("validation_report", None, None, "needs 0.8, passed false"),
        ];
        assert_eq!(fields.artifacts, expected);
        assert_eq!(fields.pass_mark, Some(0.8));
        let names = EventFields::read(r#"{"data":{"artifacts":["lyrics.md","mix.wav"]}}"#);
        assert_eq!(names.artifacts.len(), 2);
    }

    #[test]
    fn odd_texts_are_read_as_far_as_possible() {
        assert_eq!(EventFields::read(""), EventFields::default());
        assert_eq!(EventFields::read("[1]"), EventFields::default());
        assert_eq!(EventFields::read(r#"{"data":{"skill_name":"a"…"#), EventFields::default());
        let odd = EventFields::read(r#"{"data":{"skill_name":"a","model_params":{"x":NaN}}}"#);
        assert_eq!(odd.skill.as_deref(), Some("a"));
        assert_eq!(odd.model_params, [("x".to_owned(), "null".to_owned())]);
        let deep = format!(
            r#"{{"data":{{"model_params":{}1{}}}}}"#,
            r#"{"a":"#.repeat(90),
            "}".repeat(90)
        );
        assert_eq!(EventFields::read(&deep).model_params.len(), 1);
        let many: Vec<String> = (0..5_000).map(|n| format!("\"i{n}\"")).collect();
        let many = EventFields::read(&format!(r#"{{"issues":[{}]}}"#, many.join(",")));
        assert_eq!(many.issues.len(), MOST_ITEMS);
    }

    #[test]
    fn json_that_needs_repair_is_repaired() {
        assert_eq!(readable_json(r#"{"a":1}"#).as_deref(), Some(r#"{"a":1}"#));
        assert_eq!(readable_json(r#"{"a":NaN}"#).as_deref(), Some(r#"{"a":null}"#));
        assert_eq!(readable_json("no json"), None);
    }
}
