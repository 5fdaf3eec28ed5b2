//! Reports of screens to their hub, and the hub's list of screens.
//!
//! ```json
//! {"name":"foyer","id":"1f0c…","view":"wall","run":"…","width":3840,"height":2160,"frame_ms":16.7,"version":"0.2.0","error":"…"}
//! ```
//!
//! A screen posts one every [`REPORT_INTERVAL`], and at each change, to the path that the hub's hello
//! announces. It sends none to anything else.

use std::time::Duration;

use serde_json::{Value, json};

use crate::text;

/// Interval at which a screen reports to its hub.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Maximum number of characters of a name, an id, a view or a version.
const LONGEST_NAME: usize = 64;

/// Maximum number of characters of an error.
const LONGEST_ERROR: usize = 300;

/// Greatest width or height in pixels that is believed.
const MOST_PIXELS: u64 = 100_000;

/// Longest time of a frame in milliseconds that is believed.
const LONGEST_FRAME_MS: f64 = 600_000.0;

/// Report of a screen to its hub about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScreenReport {
    /// Name of the screen: given, else that of its machine.
    pub name: String,
    /// Id of this start of the program, which tells screens of one name apart.
    pub id: String,
    /// View that is shown, such as `wall`.
    pub view: String,
    /// Id of the run that is shown; `None` in a view of all runs.
    pub run: Option<String>,
    /// Size in physical pixels; `None` when it is unknown.
    pub size: Option<(u32, u32)>,
    /// Time from one picture to the next in milliseconds, 95th percentile; `None` when it is unknown.
    pub frame_ms: Option<f64>,
    /// Version of the program.
    pub version: String,
    /// Last error that somebody has to see to; `None` when there is none.
    pub error: Option<String>,
}

impl ScreenReport {
    /// Reads a report. Returns `None` if it is not an object, or has no name. Fields that cannot be read
    /// count as absent, texts are cleaned and cut.
    pub fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let text = |name: &str, most: usize| {
            let text = body.get(name).and_then(Value::as_str)?;
            Some(text::excerpt(text.trim(), most)).filter(|text| !text.is_empty())
        };
        let pixels = |name: &str| {
            let pixels = body.get(name).and_then(Value::as_u64)?;
            u32::try_from(pixels).ok().filter(|_| (1..=MOST_PIXELS).contains(&pixels))
        };
        let frame_ms = body.get("frame_ms").and_then(Value::as_f64);
        Some(Self {
            name: text("name", LONGEST_NAME)?,
            id: text("id", LONGEST_NAME).unwrap_or_default(),
            view: text("view", LONGEST_NAME).unwrap_or_default(),
            run: text("run", LONGEST_ERROR),
            size: pixels("width").zip(pixels("height")),
            frame_ms: frame_ms.filter(|ms| (0.0..=LONGEST_FRAME_MS).contains(ms)),
            version: text("version", LONGEST_NAME).unwrap_or_default(),
            error: text("error", LONGEST_ERROR),
        })
    }

    /// Returns the report as JSON; fields without a value are `null`.
    pub fn to_json(&self) -> Value {
        // Tenths of milliseconds are finer than anybody reads.
        let frame_ms = self.frame_ms.map(|ms| (ms * 10.0).round() / 10.0);
        let (width, height) = self.size.unzip();
        json!({
            "name": self.name, "id": self.id, "view": self.view, "run": self.run,
            "width": width, "height": height, "frame_ms": frame_ms,
            "version": self.version, "error": self.error,
        })
    }
}

/// A screen in a hub's list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedScreen {
    /// Its last report.
    pub report: ScreenReport,
    /// Health in one word: `ok`, `slow`, `error` or `lost`.
    pub health: String,
    /// Seconds since its last report.
    pub silent_secs: u64,
}

/// Reads a hub's list of screens; `None` if it is none.
pub fn read_list(body: &[u8]) -> Option<Vec<ListedScreen>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let screen = |value: &Value| {
        let report = ScreenReport::read(value.to_string().as_bytes())?;
        let health = text::excerpt(value.get("health")?.as_str()?, LONGEST_NAME);
        let silent_secs = value.get("silent_secs")?.as_u64()?;
        Some(ListedScreen { report, health, silent_secs })
    };
    body.get("screens")?.as_array()?.iter().map(screen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn report_is_read_as_it_is_written() {
        let report = ScreenReport {
            name: "foyer".to_owned(),
            id: "1".to_owned(),
            view: "wall".to_owned(),
            run: Some("r".to_owned()),
            size: Some((3840, 2160)),
            frame_ms: Some(16.7),
            version: "0.2.0".to_owned(),
            error: Some("no sound".to_owned()),
        };
        assert_eq!(ScreenReport::read(report.to_json().to_string().as_bytes()), Some(report));
        let least = ScreenReport { name: "a".to_owned(), ..ScreenReport::default() };
        assert_eq!(ScreenReport::read(br#"{"name":" a ","x":1}"#), Some(least.clone()));
        assert_eq!(ScreenReport::read(least.to_json().to_string().as_bytes()), Some(least));
    }

    #[test]
    fn odd_reports_are_cleaned_or_rejected() {
        for text in ["", "7", "[]", "{}", r#"{"name":""}"#, r#"{"name":7}"#] {
            assert_eq!(ScreenReport::read(text.as_bytes()), None, "{text}");
        }
        let long = "x".repeat(1_000);
        let text = format!(
            r#"{{"name":"a\u001b[31mb\n","view":"{long}","width":0,"height":9,"frame_ms":-1,"error":7}}"#
        );
        let report = ScreenReport::read(text.as_bytes()).unwrap();
        assert_eq!(report.name, "ab");
        assert_eq!(report.view.chars().count(), LONGEST_NAME + 1);
        assert_eq!((report.size, report.frame_ms, report.error), (None, None, None));
    }
}
