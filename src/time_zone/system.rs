//! The zone of the machine, and zones by name.

use std::ffi::OsStr;
use std::io::Read;
use std::sync::OnceLock;

use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::display_zone::{DisplayZone, rule};
use crate::text;

/// Name of the system's zone where it has none, as when `/etc/localtime` is a copy of a zone's file.
const UNNAMED: &str = "local time";

/// Most bytes read of a file that `TZ` names; zones have a few thousand.
const MOST_FILE_BYTES: u64 = 1 << 20;

/// Returns a zone by its name in the IANA database: the system's, or else the one in this program. Many
/// systems have none, or only a part.
pub(super) fn named(name: &str) -> Option<DisplayZone> {
    // A name may lead out of the folder of the database.
    if name.is_empty() || name.contains("..") || name.starts_with('/') {
        return None;
    }
    if name.eq_ignore_ascii_case("UTC") || name == "Z" {
        return Some(DisplayZone { zone: TimeZone::UTC, name: "UTC".into() });
    }
    static BUNDLED: OnceLock<TimeZoneDatabase> = OnceLock::new();
    let zone = jiff::tz::db()
        .get(name)
        .or_else(|_| BUNDLED.get_or_init(TimeZoneDatabase::bundled).get(name))
        .ok()?;
    let name = zone.iana_name().unwrap_or(name).into();
    Some(DisplayZone { zone, name })
}

/// Returns the zone of the machine: that of the variable `TZ`, else the one set for the system, else
/// UTC.
pub(super) fn system_zone() -> DisplayZone {
    // Zones that do not change, or that cost a search at each call.
    static FIXED: OnceLock<DisplayZone> = OnceLock::new();
    if let Some(fixed) = FIXED.get() {
        return fixed.clone();
    }
    if let Some(variable) = std::env::var_os("TZ") {
        return FIXED.get_or_init(|| of_variable(&variable)).clone();
    }
    match TimeZone::try_system() {
        // The library looks again every five minutes.
        Ok(zone) => with_own_name(zone),
        Err(_) => FIXED.get_or_init(|| utc("the system's time zone was not found")).clone(),
    }
}

/// Returns the zone that a value of the variable `TZ` names; UTC where it names none.
fn of_variable(variable: &OsStr) -> DisplayZone {
    let text = variable.to_string_lossy();
    let name = text.strip_prefix(':').unwrap_or(&text);
    if name.is_empty() {
        return DisplayZone { zone: TimeZone::UTC, name: "UTC".into() };
    }
    // Not every path has the zone's name behind `zoneinfo/`.
    let in_database = name.rsplit_once("zoneinfo/").map_or(name, |(_, name)| name);
    let from_file = || {
        let mut data = Vec::new();
        std::fs::File::open(name).ok()?.take(MOST_FILE_BYTES).read_to_end(&mut data).ok()?;
        Some(DisplayZone { zone: TimeZone::tzif("", &data).ok()?, name: name.into() })
    };
    named(in_database).or_else(|| rule(name)).or_else(from_file).unwrap_or_else(|| {
        utc(&format!("TZ is `{}`, which is no known time zone", text::excerpt(name, 60)))
    })
}

fn with_own_name(zone: TimeZone) -> DisplayZone {
    let name = match zone.iana_name() {
        Some(name) => name.into(),
        None if zone == TimeZone::UTC => "UTC".into(),
        None => UNNAMED.into(),
    };
    DisplayZone { zone, name }
}

fn utc(reason: &str) -> DisplayZone {
    DisplayZone { zone: TimeZone::UTC, name: format!("UTC ({reason})").into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(variable: &str) -> String {
        of_variable(OsStr::new(variable)).words("2026-07-15T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn variable_may_hold_name_rule_or_path() {
        let new_york = "America/New_York (EDT, UTC−04:00)";
        assert_eq!(told("America/New_York"), new_york);
        assert_eq!(told(":America/New_York"), new_york);
        assert_eq!(told(":/usr/share/zoneinfo/America/New_York"), new_york);
        assert_eq!(told("EST5EDT"), "EST5EDT (EDT, UTC−04:00)");
        assert_eq!(told(""), "UTC");
        assert_eq!(told("UTC0"), "UTC0 (UTC, UTC+00:00)");
        // POSIX counts offsets to the west.
        assert_eq!(told("UTC+3"), "UTC+3 (UTC, UTC−03:00)");
    }

    #[test]
    fn unknown_variable_means_utc_and_is_mentioned() {
        assert_eq!(told("Europe/Berln"), "UTC (TZ is `Europe/Berln`, which is no known time zone)");
        assert!(told("/no/such/file").starts_with("UTC (TZ is `/no/such/file`"));
    }

    #[test]
    fn variable_may_name_a_file_with_a_zone() {
        let bytes = super::super::offsets::tzif(-3 * 3600, &[(1_700_000_000, -2 * 3600)]).unwrap();
        let path = std::env::temp_dir().join(format!("meterbridge-zone-{}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let told = told(path.to_str().unwrap());
        std::fs::remove_file(&path).unwrap();
        assert!(told.ends_with("(UTC−02:00)"), "{told}");
    }
}
