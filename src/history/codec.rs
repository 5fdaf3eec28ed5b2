//! Parts of time, and what a run has contributed to them, as bytes: numbers as little groups of seven bits,
//! texts with their length before them.

use smol_str::SmolStr;

use super::bucket::{Bucket, CauseCount};
use super::cause::Cause;
use super::ended::{EndedRun, Outcome};
use super::sketch::Sketch;

/// Version of the bytes, at their beginning.
const FORMAT: u8 = 1;

/// Greatest number of elements of a list that is believed.
const MOST: u64 = 1 << 20;

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

/// Puts a number that may be missing.
fn put_option(bytes: &mut Vec<u8>, number: Option<u64>) {
    put(bytes, number.map_or(0, |number| number.saturating_add(1)));
}

fn put_cause(bytes: &mut Vec<u8>, cause: &Cause, example: &str) {
    put(bytes, u64::from(cause.step.is_some()));
    put_text(bytes, cause.step.as_deref().unwrap_or_default());
    put_text(bytes, &cause.reason);
    // Most reasons have neither numbers nor ids.
    put_text(bytes, if example == cause.reason { "" } else { example });
}

fn put_sketch(bytes: &mut Vec<u8>, sketch: &Sketch) {
    put(bytes, sketch.sum_ms());
    put(bytes, sketch.slots().count() as u64);
    let mut last = 0;
    for (slot, count) in sketch.slots() {
        put(bytes, u64::from(slot - last));
        put(bytes, u64::from(count));
        last = slot;
    }
}

/// Returns a part of time as bytes.
pub(super) fn encode(bucket: &Bucket) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    for count in [bucket.finished, bucket.failed, bucket.cancelled, bucket.other_causes] {
        put(&mut bytes, count);
    }
    bucket.fixes.iter().for_each(|count| put(&mut bytes, *count));
    put_sketch(&mut bytes, &bucket.took);
    put(&mut bytes, bucket.steps.len() as u64);
    for (name, durations) in &bucket.steps {
        put_text(&mut bytes, name);
        put_sketch(&mut bytes, durations);
    }
    put(&mut bytes, bucket.causes.len() as u64);
    for (cause, CauseCount { count, example }) in &bucket.causes {
        put_cause(&mut bytes, cause, example);
        put(&mut bytes, *count);
    }
    bytes
}

/// Returns a part of time; `None` when the bytes are not those of one.
pub(super) fn decode(bytes: &[u8]) -> Option<Bucket> {
    let mut reader = Reader::new(bytes)?;
    let mut bucket = Bucket {
        finished: reader.number()?,
        failed: reader.number()?,
        cancelled: reader.number()?,
        other_causes: reader.number()?,
        ..Bucket::default()
    };
    for count in &mut bucket.fixes {
        *count = reader.number()?;
    }
    bucket.took = reader.sketch()?;
    for _ in 0..reader.count()? {
        let name = reader.text()?;
        bucket.steps.insert(name, reader.sketch()?);
    }
    for _ in 0..reader.count()? {
        let (cause, example) = reader.cause()?;
        let count = reader.number()?;
        bucket.causes.insert(cause, CauseCount { count, example });
    }
    reader.is_at_end().then_some(bucket)
}

/// Returns the ended executions of a run as bytes.
pub(super) fn encode_ended(all: &[(u32, EndedRun)]) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    put(&mut bytes, all.len() as u64);
    for (number, ended) in all {
        put(&mut bytes, u64::from(*number));
        // Instants before 1970 become large numbers.
        put(&mut bytes, ended.second as u64);
        put(
            &mut bytes,
            match ended.outcome {
                Outcome::Finished => 0,
                Outcome::Failed => 1,
                Outcome::Cancelled => 2,
            },
        );
        put_option(&mut bytes, ended.took_ms);
        put_option(&mut bytes, ended.fixes.map(u64::from));
        put(&mut bytes, ended.steps.len() as u64);
        for (name, millis) in &ended.steps {
            put_text(&mut bytes, name);
            put(&mut bytes, *millis);
        }
        put(&mut bytes, u64::from(ended.cause.is_some()));
        if let Some((cause, example)) = &ended.cause {
            put_cause(&mut bytes, cause, example);
        }
    }
    bytes
}

/// Returns the ended executions of a run; `None` when the bytes are not those of any.
pub(super) fn decode_ended(bytes: &[u8]) -> Option<Vec<(u32, EndedRun)>> {
    let mut reader = Reader::new(bytes)?;
    let mut all = Vec::new();
    for _ in 0..reader.count()? {
        let number = u32::try_from(reader.number()?).ok()?;
        let second = reader.number()? as i64;
        let outcome = match reader.number()? {
            0 => Outcome::Finished,
            1 => Outcome::Failed,
            2 => Outcome::Cancelled,
            _ => return None,
        };
        let took_ms = reader.number()?.checked_sub(1);
        let fixes = reader.number()?.checked_sub(1).map(|place| place.min(4) as u8);
        let mut steps = Vec::new();
        for _ in 0..reader.count()? {
            steps.push((reader.text()?, reader.number()?));
        }
        let cause = match reader.number()? {
            0 => None,
            _ => Some(reader.cause()?),
        };
        all.push((number, EndedRun { second, outcome, took_ms, steps, cause, fixes }));
    }
    reader.is_at_end().then_some(all)
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let (format, rest) = bytes.split_first()?;
        (*format == FORMAT).then_some(Self(rest))
    }

    fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn count(&mut self) -> Option<u64> {
        self.number().filter(|count| *count <= MOST)
    }

    fn text(&mut self) -> Option<SmolStr> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(SmolStr::from)
    }

    fn cause(&mut self) -> Option<(Cause, SmolStr)> {
        let has_step = self.number()? == 1;
        let step = self.text()?;
        let reason = self.text()?;
        let example = self.text()?;
        let example = if example.is_empty() { reason.clone() } else { example };
        Some((Cause { step: has_step.then_some(step), reason }, example))
    }

    fn sketch(&mut self) -> Option<Sketch> {
        let mut sketch = Sketch::default();
        sketch.add_sum(self.number()?);
        let mut slot = 0_u16;
        for _ in 0..self.count()? {
            slot = slot.checked_add(u16::try_from(self.number()?).ok()?)?;
            sketch.add_slot(slot, u32::try_from(self.number()?).ok()?);
        }
        Some(sketch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(second: i64, reason: &str) -> EndedRun {
        let cause = Cause { step: Some("RENDER".into()), reason: "# units".into() };
        EndedRun {
            second,
            outcome: Outcome::Failed,
            took_ms: Some(7),
            steps: vec![("PLAN".into(), 0), ("音".into(), u64::MAX)],
            cause: Some((cause, reason.into())),
            fixes: Some(4),
        }
    }

    #[test]
    fn bytes_are_read_as_they_were_written() {
        let plain = EndedRun {
            outcome: Outcome::Finished,
            took_ms: None,
            steps: Vec::new(),
            cause: None,
            fixes: None,
            ..ended(-5, "")
        };
        let all = vec![(1, ended(1_700_000_000, "7 units")), (u32::MAX, plain)];
        let bytes = encode_ended(&all);
        assert_eq!(decode_ended(&bytes).as_ref(), Some(&all));
        let mut bucket = Bucket::default();
        all.iter().for_each(|(_, ended)| bucket.add(ended));
        assert_eq!(decode(&encode(&bucket)), Some(bucket.clone()));
        assert_eq!(decode(&encode(&Bucket::default())), Some(Bucket::default()));
        // Data that is cut off, or that goes on after its end, is rejected.
        let part = encode(&bucket);
        assert!((0..part.len()).all(|end| decode(&part[..end]).is_none()));
        assert!((0..bytes.len()).all(|end| decode_ended(&bytes[..end]).is_none()));
        assert_eq!(decode(&[part, vec![0]].concat()), None);
        assert_eq!(decode_ended(&[bytes, vec![0]].concat()), None);
    }

    #[test]
    fn no_bytes_are_fatal() {
        let mut random = fastrand::Rng::with_seed(1);
        for _ in 0..20_000 {
            let length = random.usize(0..60);
            let mut bytes: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
            if let Some(first) = bytes.first_mut() {
                *first = FORMAT;
            }
            let _ = (decode(&bytes), decode_ended(&bytes));
        }
    }
}
