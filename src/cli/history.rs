//! Arguments of `meterbridge history`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::hub_address::{LOCAL_HUB, hub_url};
use super::{InspectArgs, UsageError};
use crate::config::access_of;
use crate::history::{Last, Part, Period, PeriodError, SummaryRows};
use crate::source::{Access, Address, ApiUrl};
use crate::time_zone::{self, DisplayZone};

const AFTER_HELP: &str = "\
Examples:
  meterbridge history                                        the hub on this machine, 7 days
  meterbridge history http://hub:8080 --last 30d             a month, by days
  meterbridge history ws://hub:8080/events --last 24h --json
  meterbridge history monday.ndjson.zst tuesday.ndjson.zst   all of two recordings
  meterbridge history http://hub:8080 --from 2026-11-01 --to 2026-11-07 --csv
  meterbridge history http://hub:8080 --csv --rows steps

docs/history.md says what the numbers mean, and describes the JSON.";

/// Show the outcomes of runs by hours and days, compared with the period before
///
/// Runs by outcome, how long they take, which step has changed, why runs fail and how many fixes songs need:
/// of a hub's history, which it keeps much longer than the runs, or of recordings.
#[derive(Args, Clone, Debug)]
#[command(after_help = AFTER_HELP)]
pub struct HistoryArgs {
    /// A hub (http://… or ws://…/events) or recordings; several are read as if they were consecutive
    /// connections [default: the hub on this machine, http://127.0.0.1:8080]
    #[arg(value_name = "HUB|FILE")]
    pub sources: Vec<Address>,

    /// Hours or days up to now, such as 24h, 7d, 30d or 90d; up to its end for a recording [default: 7d, or
    /// all of a recording]
    #[arg(long, value_name = "PERIOD", conflicts_with_all = ["from", "to"])]
    pub last: Option<Last>,

    /// Begin of the period: an instant (2026-11-23T10:15:00Z), or a date, with or without a time, in the
    /// time zone (2026-11-23, 2026-11-23T10:15)
    #[arg(long, value_name = "TIME")]
    pub from: Option<When>,

    /// End of the period, as in --from; a date means the end of that day [default: now]
    #[arg(long, value_name = "TIME", requires = "from")]
    pub to: Option<When>,

    /// Divide the period into parts of this length: `10min`, `hour` or `day` [default: by the length of the
    /// period]
    #[arg(long, value_name = "10min|hour|day")]
    pub bucket: Option<Part>,

    /// Write JSON instead of tables
    #[arg(long, conflicts_with = "csv")]
    pub json: bool,

    /// Write a table for spreadsheets
    #[arg(long)]
    pub csv: bool,

    /// Rows of that table [default: buckets]
    #[arg(long, value_name = "ROWS", requires = "csv")]
    pub rows: Option<SummaryRows>,

    /// Hours and days are those of this time zone: a name such as Europe/Berlin, UTC, an offset such as
    /// +02:00, or a POSIX rule [default: that of the system]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true)]
    pub time_zone: Option<DisplayZone>,

    /// Send the token in this file as `Authorization: Bearer …`; without this option, the token in
    /// METERBRIDGE_TOKEN is sent
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_TOKEN_FILE", hide_env = true)]
    pub token_file: Option<PathBuf>,

    /// Also trust the certificates in this file (PEM)
    #[arg(long, value_name = "FILE", env = "METERBRIDGE_CA_FILE", hide_env = true)]
    pub ca_file: Option<PathBuf>,
}

/// A begin or end of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// An instant.
    Instant(Timestamp),
    /// A date and a time in the time zone.
    Time(DateTime),
    /// A day of the time zone.
    Day(Date),
}

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(at) = text.parse() {
            return Ok(Self::Instant(at));
        }
        let has_time = text.contains(['T', 't', ' ']);
        let found = match has_time {
            true => text.parse().map(Self::Time),
            false => text.parse().map(Self::Day),
        };
        found.map_err(|_| {
            "expected an instant such as 2026-11-23T10:15:00Z, or a date such as 2026-11-23 or \
             2026-11-23T10:15"
                .to_owned()
        })
    }
}

impl When {
    fn resolve(self, zone: &TimeZone, is_end: bool) -> Result<Timestamp, PeriodError> {
        let zoned = match self {
            Self::Instant(at) => return Ok(at),
            Self::Time(time) => time.to_zoned(zone.clone()),
            Self::Day(day) if is_end => day.tomorrow().and_then(|day| day.to_zoned(zone.clone())),
            Self::Day(day) => day.to_zoned(zone.clone()),
        };
        zoned.map(|it| it.timestamp()).map_err(|_| PeriodError::Beyond)
    }
}

/// Source of a history.
#[derive(Clone, Debug)]
pub enum HistorySource {
    /// A hub.
    Hub {
        /// Its address.
        url: Box<ApiUrl>,
        /// Credentials and certificates.
        access: Access,
    },
    /// Recordings.
    Files(Vec<PathBuf>),
}

impl HistoryArgs {
    /// Returns where the history comes from.
    ///
    /// # Errors
    ///
    /// Fails when a file does not exist, or an address is not one of a hub.
    pub fn source(&self) -> Result<HistorySource, UsageError> {
        let is_address = |source: &&Address| source.as_str().contains("://");
        let first = self.sources.iter().find(is_address);
        match (first, self.sources.len()) {
            (None, 1..) => {
                let files: Vec<PathBuf> =
                    self.sources.iter().map(|source| source.as_str().into()).collect();
                InspectArgs::check_files(&files, "history")?;
                Ok(HistorySource::Files(files))
            }
            (Some(_), 2..) => Err(UsageError::SeveralHubs),
            (address, _) => {
                let url = hub_url(address.map_or(LOCAL_HUB, Address::as_str))?;
                let access = access_of(self.token_file.clone(), None, self.ca_file.clone());
                Ok(HistorySource::Hub { url: Box::new(url), access })
            }
        }
    }

    /// Returns the time zone of hours and days.
    pub fn zone(&self) -> DisplayZone {
        self.time_zone.clone().unwrap_or_else(time_zone::current)
    }

    /// Returns the period up to `now`. `all` is the period without options.
    ///
    /// # Errors
    ///
    /// Fails when the period is empty or has too many parts.
    pub fn period(
        &self,
        now: Timestamp,
        all: Option<(Timestamp, Timestamp)>,
    ) -> Result<Period, UsageError> {
        let zone = self.zone();
        let part = self.bucket;
        let period = match (self.last, self.from, all) {
            (Some(last), ..) => Period::last(last, now, part, &zone),
            (None, Some(from), _) => {
                let to = self.to.map(|to| to.resolve(zone.zone(), true)).transpose()?;
                let from = from.resolve(zone.zone(), false)?;
                Period::between(from, to.unwrap_or(now), part, &zone)
            }
            (None, None, Some((from, to))) => Period::between(from, to, part, &zone),
            (None, None, None) => Period::last(Last::Days(7), now, part, &zone),
        };
        Ok(period?)
    }

    /// Returns the query for a hub's summary.
    ///
    /// # Errors
    ///
    /// Fails when a begin or an end is beyond all calendars.
    pub fn query(&self, now: Timestamp) -> Result<String, UsageError> {
        let zone = self.zone();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("zone", &zone_word(&zone, now));
        if let Some(part) = self.bucket {
            query.append_pair("bucket", part.as_str());
        }
        match self.last {
            Some(Last::Hours(hours)) => drop(query.append_pair("last", &format!("{hours}h"))),
            Some(Last::Days(days)) => drop(query.append_pair("last", &format!("{days}d"))),
            None => {}
        }
        for (name, when, is_end) in [("from", self.from, false), ("to", self.to, true)] {
            if let Some(when) = when {
                query.append_pair(name, &when.resolve(zone.zone(), is_end)?.to_string());
            }
        }
        Ok(query.finish())
    }
}

/// Returns a name of a time zone that a hub understands; an offset for a zone without one.
fn zone_word(zone: &DisplayZone, now: Timestamp) -> String {
    if zone.name().parse::<DisplayZone>().is_ok_and(|it| it.zone() == zone.zone()) {
        return zone.name().to_owned();
    }
    let minutes = zone.zone().to_offset(now).seconds() / 60;
    let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_days_of_the_time_zone() {
        let zone: DisplayZone = "Europe/Berlin".parse().unwrap();
        let at = |text: &str, is_end| {
            let when: When = text.parse().unwrap();
            when.resolve(zone.zone(), is_end).unwrap().to_string()
        };
        assert_eq!(at("2026-11-23", false), "2026-11-22T23:00:00Z");
        assert_eq!(at("2026-11-23", true), "2026-11-23T23:00:00Z");
        assert_eq!(at("2026-11-23T10:15", true), "2026-11-23T09:15:00Z");
        assert_eq!(at("2026-11-23T10:15:00Z", true), "2026-11-23T10:15:00Z");
        assert!("yesterday".parse::<When>().is_err());
    }

    #[test]
    fn zone_is_sent_by_a_word_that_a_hub_reads() {
        for (zone, word) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("-05:30", "-05:30"),
            ("+2", "+02:00"),
            ("UTC", "UTC"),
        ] {
            let now = "2026-11-23T10:15:00Z".parse().unwrap();
            assert_eq!(zone_word(&zone.parse().unwrap(), now), word);
        }
    }
}
