//! A time zone from its offsets. A page has no time zone database, but the browser tells the offset of
//! every instant.

use jiff::tz::TimeZone;

/// Seconds between the instants at which the offset is asked. No zone has been known to change its
/// offset twice within a week since 1970.
const STEP_SECS: i64 = 7 * 86_400;

/// Maximum number of different offsets in the format.
const MOST_OFFSETS: usize = 256;

/// Returns the zone whose offset from UTC, in seconds, `offset_at` returns for Unix times from `from` to
/// `until`. Before and after, the first and the last offset hold. Returns `None` when an offset is
/// unknown or not possible.
pub(super) fn zone_of(
    name: &str,
    from: i64,
    until: i64,
    offset_at: impl Fn(i64) -> Option<i32>,
) -> Option<TimeZone> {
    let first = offset_at(from)?;
    let mut changes = Vec::new();
    let (mut at, mut offset) = (from, first);
    while at < until {
        let next = at + STEP_SECS;
        let next_offset = offset_at(next)?;
        if next_offset != offset {
            // Find the first second with another offset.
            let (mut before, mut after) = (at, next);
            while after - before > 1 {
                let middle = before + (after - before) / 2;
                match offset_at(middle)? == offset {
                    true => before = middle,
                    false => after = middle,
                }
            }
            offset = offset_at(after)?;
            changes.push((after, offset));
            at = after;
        } else {
            at = next;
        }
    }
    TimeZone::tzif(name, &tzif(first, &changes)?).ok()
}

/// Returns a zone's file in the format TZif, version 2 (RFC 8536), from its first offset and its changes:
/// Unix times and the offsets from then on. Returns `None` when there are too many offsets.
pub(super) fn tzif(first: i32, changes: &[(i64, i32)]) -> Option<Vec<u8>> {
    // Abbreviation of all offsets: "-00", which stands for none.
    const LETTERS: &[u8] = b"-00\0";
    let mut offsets = vec![first];
    let mut numbers = Vec::new();
    for (_, offset) in changes {
        let known = offsets.iter().position(|known| known == offset);
        numbers.push(u8::try_from(known.unwrap_or(offsets.len())).ok()?);
        if known.is_none() {
            offsets.push(*offset);
        }
    }
    if offsets.len() > MOST_OFFSETS {
        return None;
    }
    let mut file = Vec::new();
    let header = |file: &mut Vec<u8>, changes: usize, offsets: usize| -> Option<()> {
        file.extend(b"TZif2");
        file.extend([0; 15]);
        // Numbers of: UTC/local flags, standard/wall flags, leap seconds, changes, offsets, letters.
        for count in [0, 0, 0, changes, offsets, LETTERS.len()] {
            file.extend(u32::try_from(count).ok()?.to_be_bytes());
        }
        Some(())
    };
    let kind = |file: &mut Vec<u8>, offset: i32| {
        file.extend(offset.to_be_bytes());
        // No daylight saving time, letters from index 0.
        file.extend([0, 0]);
    };
    // The block of version 1, which readers skip.
    header(&mut file, 0, 1)?;
    kind(&mut file, first);
    file.extend(LETTERS);
    header(&mut file, changes.len(), offsets.len())?;
    changes.iter().for_each(|(at, _)| file.extend(at.to_be_bytes()));
    file.extend(&numbers);
    offsets.iter().for_each(|offset| kind(&mut file, *offset));
    file.extend(LETTERS);
    // No rule for the time after the last change.
    file.extend(b"\n\n");
    Some(file)
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;

    /// Checks that a zone made from the offsets of a zone agrees with it in every quarter of an hour.
    #[test]
    fn zone_from_offsets_agrees_with_its_model_for_years_ahead() {
        let from: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        let until: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        for name in [
            "America/New_York",
            "Europe/Berlin",
            "Australia/Lord_Howe",
            "Africa/Casablanca",
            "Asia/Kolkata",
            "UTC",
        ] {
            let model = TimeZone::get(name).unwrap();
            let offset_at = |at| Some(model.to_offset(Timestamp::from_second(at).ok()?).seconds());
            let zone = zone_of(name, from.as_second(), until.as_second(), offset_at).unwrap();
            let mut at = from;
            while at < until {
                assert_eq!(zone.to_offset(at), model.to_offset(at), "{name} {at}");
                at += SignedDuration::from_mins(15);
            }
            let change = model.following(from).next();
            if let Some(change) = change {
                let found = zone.following(from).next().unwrap();
                assert_eq!(found.timestamp(), change.timestamp(), "{name}");
            }
        }
    }

    #[test]
    fn unknown_offset_gives_no_zone() {
        assert!(zone_of("x", 0, STEP_SECS, |at| (at == 0).then_some(0)).is_none());
        assert!(zone_of("x", 0, STEP_SECS, |_| Some(i32::MAX)).is_none());
    }
}
