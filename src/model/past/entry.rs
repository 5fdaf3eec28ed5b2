//! Entries of the journal as bytes: exactly what the model consumed, in order of arrival.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;

use crate::protocol::hub::HubFrame;
use crate::protocol::{Batch, DecodeError, Item, RunSnapshot};

/// Kind of an entry, in the lower two bits of its first byte.
const BATCH: u8 = 0;
const LOST: u8 = 1;
const STANDS: u8 = 2;
const KINDS: u8 = 0b11;
/// Bits of the first byte.
const LIVE: u8 = 0b100;
const CHANGED: u8 = 0b1000;

/// Tags of the items of a batch.
const EVENT: u8 = b'e';
const RUN: u8 = b'r';
const KEPT_RUN: u8 = b'k';
const MALFORMED: u8 = b'm';
const HUB: u8 = b'h';
const IGNORED: u8 = b'i';

/// Content of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Batch {
        live: bool,
    },
    /// The connection was lost.
    Lost,
    /// A new connection stands.
    Stands,
}

/// An entry whose content has not been read yet.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    /// Arrival, by this machine's clock.
    pub(super) received_at: Timestamp,
    /// Instant from which on the entry belongs to the past: its arrival, or that of a later entry if this
    /// machine's clock was set back in between.
    pub(super) at: Timestamp,
    /// True when the entry changed a run.
    pub(super) changed: bool,
    body: Range<usize>,
}

/// A batch of the journal.
pub(super) struct Recorded {
    pub(super) batch: Batch,
    /// Places of the items that the model knew already; the log has no line of them.
    pub(super) repeated: Vec<usize>,
}

/// Appends the items of a batch to `out`. A snapshot that its JSON does not restore exactly is added to
/// `kept` as it is. Returns the cost of applying the batch again, in events.
pub(super) fn write_items(
    batch: &Batch,
    out: &mut Vec<u8>,
    kept: &mut Vec<Arc<RunSnapshot>>,
) -> u64 {
    let before = out.len();
    let mut snapshots = 0;
    let mut texts = batch.event_texts();
    put_number(out, batch.items.len() as u128);
    for item in &batch.items {
        match item {
            Item::Event(_) => {
                out.push(EVENT);
                put_text(out, texts.next().unwrap_or_default());
            }
            Item::Run(run) => {
                let json = run.to_json();
                if RunSnapshot::read(json.as_bytes()).is_ok_and(|read| read == **run) {
                    out.push(RUN);
                    put_text(out, &json);
                } else {
                    out.push(KEPT_RUN);
                    put_number(out, kept.len() as u128);
                    kept.push(Arc::clone(run));
                }
                snapshots += 1;
            }
            Item::Malformed(error) => {
                out.push(MALFORMED);
                put_text(out, &error.reason);
                put_text(out, &error.text);
            }
            Item::Hub(_) => out.push(HUB),
            Item::Ignored => out.push(IGNORED),
        }
    }
    // Reading and joining a snapshot takes about as long as eight events.
    1 + batch.items.len() as u64 + 7 * snapshots + (out.len() - before) as u64 / 1024
}

/// Appends an entry to `out`. `since` is the arrival of the entry before it.
pub(super) fn write_entry(
    out: &mut Vec<u8>,
    kind: Kind,
    received_at: Timestamp,
    since: Timestamp,
    changed: bool,
    body: &[&[u8]],
) {
    let kind = match kind {
        Kind::Batch { live } => BATCH | if live { LIVE } else { 0 },
        Kind::Lost => LOST,
        Kind::Stands => STANDS,
    };
    out.push(kind | if changed { CHANGED } else { 0 });
    let passed = received_at.as_nanosecond() - since.as_nanosecond();
    // The sign goes into the lowest bit.
    put_number(out, (passed << 1 ^ passed >> 127) as u128);
    put_number(out, body.iter().map(|part| part.len() as u128).sum());
    body.iter().for_each(|part| out.extend_from_slice(part));
}

/// Appends what is known of a batch only after it was applied.
pub(super) fn write_counts(out: &mut Vec<u8>, frames: u64, dropped: u64, repeated: &[u32]) {
    put_number(out, frames.into());
    put_number(out, dropped.into());
    put_number(out, repeated.len() as u128);
    repeated.iter().for_each(|place| put_number(out, (*place).into()));
}

/// Finds the entries in the bytes of a block that begins after `since`. No entry counts as later than
/// `cap`.
pub(super) fn entries_of(bytes: &[u8], since: Timestamp, cap: Timestamp) -> Vec<Entry> {
    let mut reader = Reader { bytes, place: 0 };
    let mut received_at = since;
    let mut entries = Vec::new();
    while let Some(entry) = reader.entry(received_at) {
        received_at = entry.received_at;
        entries.push(entry);
    }
    let mut cap = cap;
    for entry in entries.iter_mut().rev() {
        cap = cap.min(entry.received_at);
        entry.at = cap;
    }
    entries
}

/// Reads the batch of an entry in the bytes of its block.
pub(super) fn batch_of(bytes: &[u8], entry: &Entry, kept: &[Arc<RunSnapshot>]) -> Option<Recorded> {
    let Kind::Batch { live } = entry.kind else { return None };
    let mut reader = Reader { bytes: bytes.get(..entry.body.end)?, place: entry.body.start };
    let mut batch = Batch::new(entry.received_at, live);
    batch.frames = u64::try_from(reader.number()?).ok()?;
    batch.dropped = u64::try_from(reader.number()?).ok()?;
    let repeated = (0..reader.size()?).map(|_| reader.size()).collect::<Option<Vec<_>>>()?;
    for _ in 0..reader.size()? {
        let tag = reader.byte()?;
        match tag {
            EVENT => batch.push_element(reader.text()?),
            RUN => batch.push_run(Arc::new(RunSnapshot::read(reader.text()?.as_bytes()).ok()?)),
            KEPT_RUN => batch.push_run(Arc::clone(kept.get(reader.size()?)?)),
            MALFORMED => {
                let (reason, text) = (reader.text()?.to_owned(), reader.text()?.into());
                batch.items.push(Item::Malformed(DecodeError { reason, text }));
            }
            // The model takes no notice of what a hub says about itself.
            HUB => batch.items.push(Item::Hub(HubFrame::Live)),
            _ => batch.items.push(Item::Ignored),
        }
    }
    Some(Recorded { batch, repeated })
}

fn put_number(out: &mut Vec<u8>, mut number: u128) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_number(out, text.len() as u128);
    out.extend_from_slice(text.as_bytes());
}

struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.place).copied()?;
        self.place += 1;
        Some(byte)
    }

    fn number(&mut self) -> Option<u128> {
        let mut number = 0;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            number |= u128::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.size()?;
        let bytes = self.bytes.get(self.place..self.place.checked_add(length)?)?;
        self.place += length;
        std::str::from_utf8(bytes).ok()
    }

    fn entry(&mut self, since: Timestamp) -> Option<Entry> {
        let first = self.byte()?;
        let kind = match first & KINDS {
            BATCH => Kind::Batch { live: first & LIVE != 0 },
            LOST => Kind::Lost,
            _ => Kind::Stands,
        };
        let passed = self.number()?;
        let passed = (passed >> 1) as i128 ^ -((passed & 1) as i128);
        let received_at = Timestamp::from_nanosecond(since.as_nanosecond() + passed).ok()?;
        let length = self.size()?;
        let body = self.place..self.place.checked_add(length)?;
        self.place = body.end;
        let changed = first & CHANGED != 0;
        Some(Entry { kind, received_at, at: received_at, changed, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a batch and reads it again.
    fn written_and_read(batch: &Batch) -> (Batch, Vec<usize>) {
        let (mut items, mut counts, mut bytes, mut kept) = (vec![], vec![], vec![], vec![]);
        write_items(batch, &mut items, &mut kept);
        write_counts(&mut counts, batch.frames, batch.dropped, &[2, 300]);
        let (kind, since) = (Kind::Batch { live: batch.live }, Timestamp::UNIX_EPOCH);
        let earlier = Timestamp::MIN;
        write_entry(&mut bytes, Kind::Lost, earlier, since, true, &[]);
        write_entry(&mut bytes, kind, batch.received_at, earlier, false, &[&counts, &items]);
        let entries = entries_of(&bytes, since, Timestamp::MAX);
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].kind, entries[0].received_at), (Kind::Lost, earlier));
        assert_eq!((entries[0].changed, entries[1].changed), (true, false));
        let read = batch_of(&bytes, &entries[1], &kept).unwrap();
        (read.batch, read.repeated)
    }

    #[test]
    fn batches_are_read_as_they_were_written() {
        let mut batch = Batch::new("2026-11-23T10:00:00.123456789Z".parse().unwrap(), true);
        batch.dropped = 7;
        let event = r#"{"ts":"2026-11-23T10:00:00Z","run_id":"r","node_name":"PLAN","phase":"end","data":{"scores":{"a":NaN}}}"#;
        batch.push_text(event);
        batch.push_text(&format!("[{event},{event}] {event}"));
        batch.push_text("");
        batch.push_text("not JSON\u{7}");
        batch.push_bytes(&[0xff, 0xfe]);
        let run = br#"{"run_id":"r","status":"odd","created_at":"2026-11-23T10:00:00.1Z","error":{"message":" a\n\nb"},
            "validation_scores":{"b":0.1,"a":1e300},"executions":[{"node_name":"PLAN","status":"failed"}]}"#;
        batch.push_run(Arc::new(RunSnapshot::read(run).unwrap()));
        // Sizes are not kept.
        batch.bytes = 0;
        let (read, repeated) = written_and_read(&batch);
        assert_eq!(read, batch);
        assert!(batch.items.iter().filter(|item| matches!(item, Item::Event(_))).count() >= 4);
        assert_eq!(repeated, [2, 300]);
    }

    #[test]
    fn snapshot_that_json_cannot_restore_is_kept_as_it_is() {
        let mut run = RunSnapshot::read(br#"{"run_id":"r"}"#).unwrap();
        run.scores = Arc::from([("a".into(), f64::INFINITY)]);
        let mut batch = Batch::new(Timestamp::MAX, false);
        batch.push_run(Arc::new(run));
        assert_eq!(written_and_read(&batch).0, batch);
    }

    #[test]
    fn no_bytes_make_the_reader_panic() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..2_000 {
            let bytes: Vec<u8> = (0..random.usize(..200)).map(|_| random.u8(..)).collect();
            for entry in entries_of(&bytes, Timestamp::UNIX_EPOCH, Timestamp::MAX) {
                batch_of(&bytes, &entry, &[]);
            }
        }
    }
}
