//! Identity of events, for the detection of duplicates (protocol section 5.1).

use std::fmt;
use std::hash::{BuildHasher, Hash};

use foldhash::quality::FixedState;
use jiff::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{EventId, Phase};

/// Top-level fields that are not part of the payload: they are in the tuple already, or may differ
/// between an event and its replay.
const NOT_PAYLOAD: [&str; 8] =
    ["run_id", "node_name", "node", "phase", "ts", "timestamp", "request_id", "event_id"];

/// Returns the identity given by `event_id`: its UUID, or a hash of its text.
pub(super) fn from_event_id(text: &str) -> EventId {
    match uuid::Uuid::try_parse(text) {
        Ok(uuid) => EventId(uuid.as_u128()),
        Err(_) => EventId(hash128(text)),
    }
}

/// Returns the identity of an event without `event_id`: a hash of run, node, phase, instant and
/// payload.
///
/// The payload's hash does not depend on the order of keys.
pub(super) fn from_content(
    run_id: &str,
    node: Option<&str>,
    phase: &Phase,
    at: Timestamp,
    raw: &str,
) -> EventId {
    let mut deserializer = serde_json::Deserializer::from_str(raw);
    // Use the raw text for JSON that is nested too deeply to walk or contains a number out of range.
    let payload = ValueHash { skip: &NOT_PAYLOAD }
        .deserialize(&mut deserializer)
        .unwrap_or_else(|_| hash64(raw));
    EventId(hash128((run_id, node, phase.as_str(), at.as_nanosecond(), payload)))
}

fn hash128(value: impl Hash) -> u128 {
    let half = |seed| FixedState::with_seed(seed).hash_one(&value);
    (u128::from(half(1)) << 64) | u128::from(half(2))
}

fn hash64(value: impl Hash) -> u64 {
    FixedState::with_seed(3).hash_one(value)
}

/// Hashes a JSON value while it is parsed, without building it.
struct ValueHash {
    /// Keys of this object that are not hashed.
    skip: &'static [&'static str],
}

impl<'de> DeserializeSeed<'de> for ValueHash {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueHash {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_unit<E>(self) -> Result<u64, E> {
        Ok(1)
    }
    fn visit_bool<E>(self, value: bool) -> Result<u64, E> {
        Ok(hash64(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<u64, E> {
        Ok(hash64(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
        Ok(hash64(value))
    }
    fn visit_f64<E>(self, value: f64) -> Result<u64, E> {
        Ok(hash64(value.to_bits()))
    }
    fn visit_str<E>(self, value: &str) -> Result<u64, E> {
        Ok(hash64(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<u64, A::Error> {
        let mut total = 5_u64;
        while let Some(item) = seq.next_element_seed(ValueHash { skip: &[] })? {
            total = hash64((total, item));
        }
        Ok(total)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<u64, A::Error> {
        let mut total = 7_u64;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            let value = map.next_value_seed(ValueHash { skip: &[] })?;
            if !self.skip.contains(&&*key) {
                // A sum does not depend on the order of its terms.
                total = total.wrapping_add(hash64((&*key, value)));
            }
        }
        Ok(total)
    }
}
