//! The JSON field names of every dialect, and lenient reading of each field.
//!
//! A field of an unexpected type counts as absent: one odd field never costs the whole event. Numbers
//! and texts are borrowed from the frame. Unknown fields are skipped without being built.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Score, bounds, instant_forms, parse_instant};
use crate::text;

/// Maximum number of characters quoted of an unreadable value.
const MOST_QUOTED: usize = 80;

/// A scalar of any type. Arrays and objects are skipped and read as `Other`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    #[default]
    Absent,
    Text(Cow<'a, str>),
    Int(i64),
    /// A whole number too large for [`Int`](Self::Int).
    Big(u64),
    Float(f64),
    Other,
}

impl<'a> Scalar<'a> {
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns non-empty text, or a whole number as text, because ids are sometimes numbers.
    pub(super) fn id(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(text),
            Self::Int(number) => Some(Cow::Owned(number.to_string())),
            Self::Big(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// Returns a seed, from `-2^63` to `2^64 - 1`. A seed may be text, to avoid rounding by readers
    /// that use floats.
    pub(super) fn seed(&self) -> Option<i128> {
        match self {
            Self::Big(number) => Some(i128::from(*number)),
            Self::Text(text) => {
                let range = i128::from(i64::MIN)..=i128::from(u64::MAX);
                text.trim().parse().ok().filter(|seed| range.contains(seed))
            }
            other => other.int().map(i128::from),
        }
    }

    /// Returns an instant from text or from a number since 1970.
    #[inline]
    pub(super) fn instant(&self) -> Option<Timestamp> {
        match self {
            Self::Text(text) => parse_instant(text),
            Self::Int(number) => instant_forms::from_epoch_whole(*number),
            Self::Big(number) => instant_forms::from_epoch(*number as f64),
            Self::Float(number) => instant_forms::from_epoch(*number),
            Self::Absent | Self::Other => None,
        }
    }

    /// Returns an excerpt of the value for an error message; `None` if it is absent.
    pub(super) fn quoted(&self) -> Option<String> {
        match self {
            Self::Absent => None,
            Self::Text(value) => Some(format!("\"{}\"", text::excerpt(value, MOST_QUOTED))),
            Self::Int(number) => Some(number.to_string()),
            Self::Big(number) => Some(number.to_string()),
            Self::Float(number) => Some(format!("{number:e}")),
            Self::Other => Some("no text and no number".to_owned()),
        }
    }

    pub(super) fn int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            // Floats below 2^53 hold whole numbers exactly; seeds and counts are in that range.
            Self::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => {
                Some(*number as i64)
            }
            _ => None,
        }
    }

    pub(super) fn float(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Big(number) => Some(*number as f64),
            Self::Float(number) if number.is_finite() => Some(*number),
            _ => None,
        }
    }

    /// Returns whole milliseconds; `None` for a negative or implausibly large duration.
    pub(super) fn millis(&self) -> Option<u64> {
        let millis = self.float()?;
        (0.0..1e15).contains(&millis).then(|| millis.round() as u64)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl<'de> Visitor<'de> for ScalarVisitor {
            type Value = Scalar<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Int(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(i64::try_from(number).map_or(Scalar::Big(number), Scalar::Int))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Scalar::Float(number))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Other)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Absent)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Scalar::Other)
            }
        }
        deserializer.deserialize_any(ScalarVisitor)
    }
}

/// Deserializes into an existing value, so that large values are not moved.
pub(super) struct ReadInto<'r, T>(pub(super) &'r mut T);

/// Implements deserialization with [`ReadInto`] for a type: `map` reads a JSON object, `seq` an array; any
/// other value leaves the target unchanged.
macro_rules! lenient {
    ($type:ident, map: $read_map:expr, seq: $read_seq:expr) => {
        impl<'de> DeserializeSeed<'de> for ReadInto<'_, $type<'de>> {
            type Value = ();

            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
                deserializer.deserialize_any(self)
            }
        }

        impl<'de> Visitor<'de> for ReadInto<'_, $type<'de>> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_bool<E>(self, _: bool) -> Result<(), E> {
                Ok(())
            }
            fn visit_i64<E>(self, _: i64) -> Result<(), E> {
                Ok(())
            }
            fn visit_u64<E>(self, _: u64) -> Result<(), E> {
                Ok(())
            }
            fn visit_f64<E>(self, _: f64) -> Result<(), E> {
                Ok(())
            }
            fn visit_str<E>(self, _: &str) -> Result<(), E> {
                Ok(())
            }
            fn visit_unit<E>(self) -> Result<(), E> {
                Ok(())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                $read_map(self.0, &mut map)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
                $read_seq(self.0, &mut seq)
            }
        }
    };
}

/// Reads the next value into `value`, in place of an earlier one: if a key is repeated, its last value
/// counts.
macro_rules! next_into {
    ($map:ident, $value:expr) => {{
        $value = Default::default();
        $map.next_value_seed(ReadInto(&mut $value))?;
    }};
}

/// The numbers of an object (`scores`, `metrics`), in order of arrival.
#[derive(Default)]
pub(super) struct Numbers<'a>(pub(super) Vec<(Cow<'a, str>, f64)>);

lenient!(Numbers, map: read_numbers, seq: skip_seq);

fn read_numbers<'de, A: MapAccess<'de>>(
    numbers: &mut Numbers<'de>,
    map: &mut A,
) -> Result<(), A::Error> {
    while let Some((name, value)) = map.next_entry::<Scalar, Scalar>()? {
        if let (Some(name), Some(number)) = (name.text(), value.float()) {
            numbers.0.push((name, number));
        }
    }
    Ok(())
}

fn skip_seq<'de, T, A: SeqAccess<'de>>(_: &mut T, seq: &mut A) -> Result<(), A::Error> {
    while seq.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

impl Numbers<'_> {
    /// Returns the duration in milliseconds that some fixtures put among the metrics.
    pub(super) fn duration_ms(&self) -> Option<u64> {
        let (_, millis) = self.0.iter().find(|(name, _)| name == "duration_ms")?;
        Scalar::Float(*millis).millis()
    }

    /// Returns the scores except `duration_ms`, sorted by name.
    pub(super) fn scores(&self) -> Arc<[Score]> {
        let mut scores: Vec<Score> = self
            .0
            .iter()
            .filter(|(name, _)| name != "duration_ms")
            .map(|(name, value)| (bounds::name(name), *value))
            .take(bounds::MOST_NAMES)
            .collect();
        scores.sort_by(|a, b| a.0.cmp(&b.0));
        scores.into()
    }
}

/// The first text in `issues`, whose elements are strings or objects with a `message`.
#[derive(Default)]
pub(super) struct FirstIssue<'a>(pub(super) Option<Cow<'a, str>>);

lenient!(FirstIssue, map: skip_map, seq: read_issues);

fn skip_map<'de, T, A: MapAccess<'de>>(_: &mut T, map: &mut A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn read_issues<'de, A: SeqAccess<'de>>(
    first: &mut FirstIssue<'de>,
    seq: &mut A,
) -> Result<(), A::Error> {
    while let Some(issue) = seq.next_element::<Issue>()? {
        if first.0.is_none() {
            first.0 = issue.0;
        }
    }
    Ok(())
}

#[derive(Default)]
struct Issue<'a>(Option<Cow<'a, str>>);

impl<'de: 'a, 'a> Deserialize<'de> for Issue<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IssueVisitor;
        impl<'de> Visitor<'de> for IssueVisitor {
            type Value = Issue<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a text, or an object with a message")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Issue(Some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Issue(Some(Cow::Owned(text.to_owned()))))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Issue(None))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Issue(None))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Issue(None))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Issue(None))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Issue(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Issue(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut message = None;
                while let Some((name, value)) = map.next_entry::<Scalar, Scalar>()? {
                    if name.text().is_some_and(|name| name == "message") {
                        message = value.text();
                    }
                }
                Ok(Issue(message))
            }
        }
        deserializer.deserialize_any(IssueVisitor)
    }
}

/// Names of artifacts: the keys of an object, or the strings of an array.
#[derive(Default)]
pub(super) struct ArtifactNames<'a>(pub(super) Vec<Cow<'a, str>>);

lenient!(ArtifactNames, map: read_name_keys, seq: read_name_items);

fn read_name_keys<'de, A: MapAccess<'de>>(
    names: &mut ArtifactNames<'de>,
    map: &mut A,
) -> Result<(), A::Error> {
    while let Some((name, _)) = map.next_entry::<Scalar, IgnoredAny>()? {
        names.0.extend(name.text());
    }
    Ok(())
}

fn read_name_items<'de, A: SeqAccess<'de>>(
    names: &mut ArtifactNames<'de>,
    seq: &mut A,
) -> Result<(), A::Error> {
    while let Some(item) = seq.next_element::<Scalar>()? {
        names.0.extend(item.text());
    }
    Ok(())
}

/// The fields of an event as read, before any rule of precedence.
#[derive(Default)]
pub(super) struct Wire<'a> {
    pub(super) event_id: Scalar<'a>,
    pub(super) run_id: Scalar<'a>,
    pub(super) ts: Scalar<'a>,
    pub(super) timestamp: Scalar<'a>,
    pub(super) node_name: Scalar<'a>,
    pub(super) node: Scalar<'a>,
    pub(super) phase: Scalar<'a>,
    pub(super) duration_ms: Scalar<'a>,
    pub(super) data: Data<'a>,
    has_data: bool,
    pub(super) metrics: Numbers<'a>,
    pub(super) issues: FirstIssue<'a>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum WireField {
    EventId,
    RunId,
    Ts,
    Timestamp,
    NodeName,
    Node,
    Phase,
    DurationMs,
    Data,
    Metrics,
    Issues,
    #[serde(other)]
    Unknown,
}

lenient!(Wire, map: read_wire, seq: skip_seq);

impl<'a> Wire<'a> {
    /// Reads a text that must contain exactly one JSON object.
    pub(super) fn read(&mut self, text: &'a str) -> serde_json::Result<()> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        ReadInto(self).deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

fn read_wire<'de, A: MapAccess<'de>>(wire: &mut Wire<'de>, map: &mut A) -> Result<(), A::Error> {
    while let Some(field) = map.next_key()? {
        match field {
            WireField::EventId => wire.event_id = map.next_value()?,
            WireField::RunId => wire.run_id = map.next_value()?,
            WireField::Ts => wire.ts = map.next_value()?,
            WireField::Timestamp => wire.timestamp = map.next_value()?,
            WireField::NodeName => wire.node_name = map.next_value()?,
            WireField::Node => wire.node = map.next_value()?,
            WireField::Phase => wire.phase = map.next_value()?,
            WireField::DurationMs => wire.duration_ms = map.next_value()?,
            WireField::Data => {
                if std::mem::replace(&mut wire.has_data, true) {
                    wire.data = Data::default();
                }
                map.next_value_seed(ReadInto(&mut wire.data))?;
            }
            WireField::Metrics => next_into!(map, wire.metrics),
            WireField::Issues => next_into!(map, wire.issues),
            WireField::Unknown => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(())
}

/// The fields of `data`.
#[derive(Default)]
pub(super) struct Data<'a> {
    /// True when a field was read that belongs to an event's [`Detail`](super::Detail). Most events
    /// have none.
    pub(super) has_detail: bool,
    pub(super) song_id: Scalar<'a>,
    pub(super) song_title: Scalar<'a>,
    pub(super) title: Scalar<'a>,
    pub(super) global_seed: Scalar<'a>,
    pub(super) seed: Scalar<'a>,
    pub(super) node_index: Scalar<'a>,
    pub(super) duration_ms: Scalar<'a>,
    pub(super) message: Scalar<'a>,
    pub(super) status: Scalar<'a>,
    pub(super) error_message: Scalar<'a>,
    pub(super) error: Scalar<'a>,
    pub(super) error_type: Scalar<'a>,
    pub(super) fix_iterations: Scalar<'a>,
    pub(super) progress_percentage: Scalar<'a>,
    pub(super) scores: Numbers<'a>,
    pub(super) artifacts: ArtifactNames<'a>,
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "snake_case")]
enum DataField {
    SongId,
    SongTitle,
    Title,
    GlobalSeed,
    Seed,
    NodeIndex,
    DurationMs,
    Message,
    Status,
    ErrorMessage,
    Error,
    ErrorType,
    FixIterations,
    ProgressPercentage,
    Scores,
    Artifacts,
    #[serde(other)]
    Unknown,
}

lenient!(Data, map: read_data, seq: skip_seq);

fn read_data<'de, A: MapAccess<'de>>(data: &mut Data<'de>, map: &mut A) -> Result<(), A::Error> {
    while let Some(field) = map.next_key()? {
        // These are in most events. `Seed` is not counted because a node's seed is not used; a
        // run-level event always gets a detail.
        let common = matches!(
            field,
            DataField::Seed | DataField::NodeIndex | DataField::DurationMs | DataField::Unknown
        );
        data.has_detail |= !common;
        match field {
            DataField::SongId => data.song_id = map.next_value()?,
            DataField::SongTitle => data.song_title = map.next_value()?,
            DataField::Title => data.title = map.next_value()?,
            DataField::GlobalSeed => data.global_seed = map.next_value()?,
            DataField::Seed => data.seed = map.next_value()?,
            DataField::NodeIndex => data.node_index = map.next_value()?,
            DataField::DurationMs => data.duration_ms = map.next_value()?,
            DataField::Message => data.message = map.next_value()?,
            DataField::Status => data.status = map.next_value()?,
            DataField::ErrorMessage => data.error_message = map.next_value()?,
            DataField::Error => data.error = map.next_value()?,
            DataField::ErrorType => data.error_type = map.next_value()?,
            DataField::FixIterations => data.fix_iterations = map.next_value()?,
            DataField::ProgressPercentage => data.progress_percentage = map.next_value()?,
            DataField::Scores => next_into!(map, data.scores),
            DataField::Artifacts => next_into!(map, data.artifacts),
            DataField::Unknown => {
                map.next_value::<IgnoredAny>()?;
            }
        }
    }
    Ok(())
}
