//! `meterbridge screens`: the screens of a hub.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use unicode_width::UnicodeWidthStr;

use super::UsageError;
use super::hub_address::{LOCAL_HUB, hub_url};
use crate::config::access_of;
use crate::protocol::screen::ListedScreen;
use crate::source::{Access, Address, ApiUrl};
use crate::text::length_words;

const AFTER_HELP: &str = "\
Examples:
  meterbridge screens                        the hub on this machine
  meterbridge screens http://hub:8080 --json | jq '.screens[] | select(.health != \"ok\")'

docs/hub.md says what the columns mean, and describes the JSON.";

/// List the screens of a hub: what each shows, and how it is
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct ScreensArgs {
    /// A hub (http://… or ws://…/events) [default: the hub on this machine, http://127.0.0.1:8080]
    #[arg(value_name = "HUB")]
    pub hub: Option<Address>,

    /// Write the hub's JSON instead of a table
    #[arg(long)]
    pub json: bool,

    /// Send the token in this file as `Authorization: Bearer …`; without this option, the token in
    /// METERBRIDGE_TOKEN is sent
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_TOKEN_FILE", hide_env = true)]
    pub token_file: Option<PathBuf>,

    /// Also trust the certificates in this file (PEM)
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_CA_FILE", hide_env = true)]
    pub ca_file: Option<PathBuf>,
}

impl ScreensArgs {
    /// Returns the address of the hub.
    ///
    /// # Errors
    ///
    /// Fails when the address is not one of a hub.
    pub fn url(&self) -> Result<ApiUrl, UsageError> {
        hub_url(self.hub.as_ref().map_or(LOCAL_HUB, Address::as_str))
    }

    /// Returns the credentials for the hub.
    pub fn access(&self) -> Access {
        access_of(self.token_file.clone(), None, self.ca_file.clone())
    }
}

/// Writes screens as a table.
pub fn write_screens(out: &mut impl Write, screens: &[ListedScreen]) -> io::Result<()> {
    if screens.is_empty() {
        return writeln!(out, "No screen has reported to this hub.");
    }
    let head = ["NAME", "HEALTH", "VIEW", "SIZE", "FRAME", "VERSION", "REPORTED", "RUN OR ERROR"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(screens.iter().map(|screen| {
        let report = &screen.report;
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let size = report.size.map(|(width, height)| format!("{width}×{height}"));
        let more = report.error.as_ref().or(report.run.as_ref());
        [
            report.name.clone(),
            screen.health.clone(),
            or_dash(&report.view),
            size.unwrap_or_else(|| "-".to_owned()),
            report.frame_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.1} ms")),
            or_dash(&report.version),
            format!("{} ago", length_words(screen.silent_secs.saturating_mul(1_000))),
            more.cloned().unwrap_or_else(|| "-".to_owned()),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths: [usize; 8] = std::array::from_fn(width);
    for row in &rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line += cell;
            line += &" ".repeat(width.saturating_sub(cell.width()) + 2);
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::screen::read_list;

    fn table(body: &str) -> String {
        let mut out = Vec::new();
        write_screens(&mut out, &read_list(body.as_bytes()).unwrap()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn screens_are_a_table() {
        let body = r#"{"screens":[
            {"name":"foyer","id":"1","view":"wall","run":null,"width":3840,"height":2160,"frame_ms":16.7,
             "version":"0.2.0","error":null,"health":"ok","since":"…","silent_secs":4},
            {"name":"Büro","health":"lost","silent_secs":4020,"error":"no\u001b[1m sound"}]}"#;
        assert_eq!(
            table(body),
            "NAME   HEALTH  VIEW  SIZE       FRAME    VERSION  REPORTED       RUN OR ERROR\n\
             foyer  ok      wall  3840×2160  16.7 ms  0.2.0    4 s ago        -\n\
             Büro   lost    -     -          -        -        1 h 7 min ago  no sound\n"
        );
        assert_eq!(table(r#"{"screens":[]}"#), "No screen has reported to this hub.\n");
    }
}
