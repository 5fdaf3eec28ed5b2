//! Removes WebSocket messages that are too large from the bytes a server sends, without keeping them,
//! so that one large message does not end the connection. Performs no I/O.
//!
//! In the place of a message stands a pong of our own, which [`is_skipped`] recognises. A message that
//! exceeds [`SKIPPED_FACTOR`] times the limit is announced as it is, and the WebSocket then refuses it:
//! skipping it would take longer than a new connection.

use tokio_tungstenite::tungstenite::Message;

/// A message of up to this many times the limit is skipped; a larger one ends the connection.
pub(super) const SKIPPED_FACTOR: u64 = 16;

/// Payload of the pong that stands for a skipped message.
const SKIPPED: &[u8] = b"meterbridge: skipped";
/// Payload of the pong before the cut end of a message that was passed on in part.
const CUT: &[u8] = b"meterbridge: cut";

const FINAL: u8 = 0x80;
const CONTINUATION: u8 = 0x0;
const BINARY: u8 = 0x2;
const FIRST_CONTROL: u8 = 0x8;
const PONG: u8 = 0xA;
/// Longest frame head: two bytes, eight of length, four of mask.
const LONGEST_HEAD: usize = 14;

/// True for the message that stands for a skipped one.
pub(super) fn is_skipped(message: &Message) -> bool {
    matches!(message, Message::Pong(payload) if payload == SKIPPED)
}

/// True for the message after which the next one is the beginning of a message that was skipped.
pub(super) fn is_cut(message: &Message) -> bool {
    matches!(message, Message::Pong(payload) if payload == CUT)
}

/// Returns the message that [`is_skipped`] recognises.
pub(super) fn skipped() -> Message {
    Message::Pong(SKIPPED.into())
}

/// Part of the frame in progress.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// The head, of which this many bytes have arrived.
    Head { length: usize },
    /// The payload, of which this many bytes are still to be passed on.
    Passed { left: u64 },
    /// The payload, of which this many bytes are still to be removed.
    Removed { left: u64 },
}

/// Filter of the bytes that a server sends over one WebSocket.
#[derive(Debug)]
pub(super) struct OversizeFilter {
    limit: u64,
    part: Part,
    head: [u8; LONGEST_HEAD],
    /// Payload bytes of the message in progress, all its frames together.
    message_bytes: u64,
    /// True while frames of the message in progress are removed.
    is_removing: bool,
}

impl OversizeFilter {
    /// Creates a filter for messages of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            part: Part::Head { length: 0 },
            head: [0; LONGEST_HEAD],
            message_bytes: 0,
            is_removing: false,
        }
    }

    /// Appends to `output` what remains of `input`.
    pub fn sift(&mut self, mut input: &[u8], output: &mut Vec<u8>) {
        while !input.is_empty() {
            match self.part {
                Part::Head { length } => {
                    self.head[length] = input[0];
                    input = &input[1..];
                    let length = length + 1;
                    self.part = Part::Head { length };
                    if length >= 2 && length == head_length(self.head[1]) {
                        self.begin_payload(length, output);
                    }
                }
                Part::Passed { left } => {
                    let (taken, rest) = split(input, left);
                    output.extend_from_slice(taken);
                    input = rest;
                    self.part = Part::Passed { left: left - taken.len() as u64 };
                    self.end_payload();
                }
                Part::Removed { left } => {
                    let (taken, rest) = split(input, left);
                    input = rest;
                    self.part = Part::Removed { left: left - taken.len() as u64 };
                    self.end_payload();
                }
            }
        }
    }

    /// Decides on a frame whose head is complete.
    fn begin_payload(&mut self, head_length: usize, output: &mut Vec<u8>) {
        let left = payload_length(&self.head);
        let opcode = self.head[0] & 0xf;
        if opcode >= FIRST_CONTROL {
            output.extend_from_slice(&self.head[..head_length]);
            self.part = Part::Passed { left };
            return self.end_payload();
        }
        let is_final = self.head[0] & FINAL != 0;
        if opcode != CONTINUATION {
            self.message_bytes = 0;
            self.is_removing = false;
        }
        self.message_bytes = self.message_bytes.saturating_add(left);
        if self.message_bytes > self.limit.saturating_mul(SKIPPED_FACTOR) {
            // The WebSocket refuses a frame of this length as soon as it reads the head.
            output.extend_from_slice(&[FINAL | BINARY, 127]);
            output.extend_from_slice(&(u64::MAX >> 1).to_be_bytes());
            self.part = Part::Removed { left: u64::MAX };
            return;
        }
        if self.message_bytes > self.limit && !self.is_removing {
            self.is_removing = true;
            if opcode == CONTINUATION {
                push_pong(CUT, output);
                output.extend_from_slice(&[FINAL | CONTINUATION, 0]);
            } else {
                push_pong(SKIPPED, output);
            }
        }
        if self.is_removing {
            self.part = Part::Removed { left };
        } else {
            output.extend_from_slice(&self.head[..head_length]);
            self.part = Part::Passed { left };
        }
        if is_final {
            self.message_bytes = 0;
            self.is_removing = false;
        }
        self.end_payload();
    }

    fn end_payload(&mut self) {
        if let Part::Passed { left: 0 } | Part::Removed { left: 0 } = self.part {
            self.part = Part::Head { length: 0 };
        }
    }
}

fn split(input: &[u8], left: u64) -> (&[u8], &[u8]) {
    input.split_at(usize::try_from(left).unwrap_or(usize::MAX).min(input.len()))
}

/// Returns the length of a frame's head by its second byte (RFC 6455, 5.2).
fn head_length(second: u8) -> usize {
    let of_length = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let of_mask = if second & 0x80 == 0 { 0 } else { 4 };
    2 + of_length + of_mask
}

fn payload_length(head: &[u8; LONGEST_HEAD]) -> u64 {
    let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    match head[1] & 0x7f {
        126 => number(&head[2..4]),
        127 => number(&head[2..10]),
        length => u64::from(length),
    }
}

fn push_pong(payload: &[u8], output: &mut Vec<u8>) {
    output.extend_from_slice(&[FINAL | PONG, payload.len() as u8]);
    output.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a frame as a server sends it.
    fn frame(is_final: bool, opcode: u8, payload: &[u8]) -> Vec<u8> {
        let first = if is_final { FINAL | opcode } else { opcode };
        let mut bytes = match u8::try_from(payload.len()) {
            Ok(length @ 0..126) => vec![first, length],
            _ => [&[first, 126][..], &(payload.len() as u16).to_be_bytes()].concat(),
        };
        bytes.extend_from_slice(payload);
        bytes
    }

    fn pong(payload: &[u8]) -> Vec<u8> {
        frame(true, PONG, payload)
    }

    /// Asserts the output for an input that arrives in pieces of any size.
    #[track_caller]
    fn check(frames: &[Vec<u8>], expected: &[Vec<u8>]) {
        let (input, expected) = (frames.concat(), expected.concat());
        for size in 1..=input.len() {
            let mut filter = OversizeFilter::new(10);
            let mut output = Vec::new();
            for piece in input.chunks(size) {
                filter.sift(piece, &mut output);
            }
            assert_eq!(output, expected, "pieces of {size}");
        }
    }

    #[test]
    fn messages_within_the_limit_pass_unchanged() {
        let frames = [
            frame(true, 1, b"0123456789"),
            frame(true, 9, b"ping"),
            frame(true, 2, b""),
            frame(false, 1, b"01234"),
            frame(true, 0, b"56789"),
            frame(true, 8, &[3, 0xe8]),
        ];
        check(&frames, &frames);
    }

    #[test]
    fn large_message_is_replaced_and_the_next_one_passes() {
        for bytes in [11, 150] {
            let large = frame(true, 1, &vec![b'x'; bytes]);
            check(&[large, frame(true, 1, b"next")], &[pong(SKIPPED), frame(true, 1, b"next")]);
        }
    }

    #[test]
    fn large_first_fragment_is_removed_with_its_continuations() {
        let frames = [
            frame(false, 1, b"0123456789a"),
            frame(true, 9, b"ping"),
            frame(false, 0, b"b"),
            frame(true, 0, b"c"),
            frame(true, 1, b"next"),
        ];
        let expected = [pong(SKIPPED), frame(true, 9, b"ping"), frame(true, 1, b"next")];
        check(&frames, &expected);
    }

    #[test]
    fn fragments_that_are_too_large_together_are_cut() {
        let frames = [
            frame(false, 1, b"01234"),
            frame(false, 0, b"56789a"),
            frame(true, 0, b"b"),
            frame(true, 1, b"next"),
        ];
        let expected =
            [frame(false, 1, b"01234"), pong(CUT), frame(true, 0, b""), frame(true, 1, b"next")];
        check(&frames, &expected);
    }

    #[test]
    fn message_beyond_the_factor_is_announced_to_be_refused() {
        let refused = [&[FINAL | BINARY, 127][..], &(u64::MAX >> 1).to_be_bytes()].concat();
        check(&[frame(true, 1, &[b'x'; 161])], std::slice::from_ref(&refused));
        let fragments = [frame(false, 1, &[b'x'; 100]), frame(false, 0, &[b'x'; 61])];
        check(&fragments, &[pong(SKIPPED), refused]);
    }
}
