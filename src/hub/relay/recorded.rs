//! Kept frames between two instants, as lines of a recording.
//!
//! A page is read from the journal while the client takes it, a little at a time, so that a slow client
//! delays nobody and costs no memory.

use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use super::journal::{JournalEntryKind, JournalFrame};
use super::{Hub, Shared};
use crate::protocol::TapeEntry;
use crate::source::recorder::{header_line, push_frame_line};

/// Bytes of lines that are made at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Number of frames that are looked at under one lock.
const MOST_LOOKED_AT: usize = 20_000;

/// Bytes of frames after which a page with a limit ends; it has one frame at least.
const PAGE_BYTES: usize = 2 << 20;

/// Frames that are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// First time of reception, by the hub's clock.
    pub from: Option<Timestamp>,
    /// Last time of reception.
    pub to: Option<Timestamp>,
    /// Number of the frame after which the page begins; 0 for the first page.
    pub after: u64,
    /// Greatest number of frames. A page with a limit also ends after 2 MiB of them.
    pub limit: Option<usize>,
}

impl PageRequest {
    fn has(&self, frame: &JournalFrame) -> bool {
        self.from.is_none_or(|from| from <= frame.at) && self.to.is_none_or(|to| frame.at <= to)
    }
}

/// A page of frames.
#[derive(Debug)]
pub struct Page {
    /// Stream that the numbers of frames belong to.
    pub stream: Uuid,
    /// Number of the last frame of this page, where another page follows.
    pub next: Option<u64>,
    /// Number of the last frame of this page, or of the page before where this one has none.
    pub end: u64,
    /// Number of frames that are asked for, over all pages; only for the first page of several.
    pub frames: Option<u64>,
    /// Reads the page.
    pub reader: PageReader,
}

/// Reads a page, a little at a time.
#[derive(Debug)]
pub struct PageReader {
    shared: Arc<Shared>,
    request: PageRequest,
    /// Number of the last frame that was looked at, and of the last one of the page.
    after: u64,
    until: u64,
    /// Instant of the header; set once the header was returned.
    started_at: Option<Timestamp>,
    is_over: bool,
}

impl Hub {
    /// Finds a page of the frames that are kept now. With a limit it looks at every frame up to its end,
    /// so call it where it may block.
    pub fn page(&self, request: PageRequest) -> Page {
        let (stream, last) = {
            let state = self.shared.state();
            (state.stream, state.journal.last())
        };
        let mut page = Page {
            stream,
            next: None,
            end: last,
            frames: None,
            reader: PageReader {
                shared: self.shared.clone(),
                request,
                after: request.after,
                until: last,
                started_at: None,
                is_over: false,
            },
        };
        let Some(limit) = request.limit else { return page };
        let (mut found, mut bytes, mut all) = (0, 0, 0);
        let mut after = request.after;
        page.end = request.after;
        'frames: while after < last {
            let state = self.shared.state();
            let mut looked_at = 0;
            for (seq, frame) in state.journal.frames(after, last).take(MOST_LOOKED_AT) {
                (after, looked_at) = (seq, looked_at + 1);
                if !request.has(frame) {
                    continue;
                }
                if page.next.is_none() && (found == limit || bytes >= PAGE_BYTES) {
                    page.next = Some(page.end);
                    page.reader.until = page.end;
                    if request.after > 0 {
                        break 'frames;
                    }
                }
                all += 1;
                if page.next.is_none() {
                    (found, page.end, bytes) = (found + 1, seq, bytes + frame.text.len());
                }
            }
            if looked_at < MOST_LOOKED_AT {
                break;
            }
        }
        page.frames = (request.after == 0).then_some(all);
        page
    }
}

impl PageReader {
    /// Returns the next lines; `None` at the end. The first line of a page is the header of a recording.
    /// Looks at a limited number of frames: no lines mean that none of these belongs to the page, and that
    /// the next call looks at the next ones.
    pub fn next_lines(&mut self) -> Option<Vec<u8>> {
        let mut lines = Vec::new();
        if !self.is_over {
            self.read_on(&mut lines);
        } else if self.started_at.is_none() {
            // A page without frames is a recording, too.
            let at = self.request.from.unwrap_or_else(Timestamp::now);
            self.started_at = Some(at);
            lines = header_line(&self.shared.upstream, at, 0.0, 1);
        } else {
            return None;
        }
        Some(lines)
    }

    fn read_on(&mut self, lines: &mut Vec<u8>) {
        let shared = self.shared.clone();
        let state = shared.state();
        let mut looked_at = 0;
        for (seq, frame) in state.journal.frames(self.after, self.until).take(MOST_LOOKED_AT) {
            (self.after, looked_at) = (seq, looked_at + 1);
            if !self.request.has(frame) {
                continue;
            }
            let started_at = *self.started_at.get_or_insert_with(|| {
                lines.extend(header_line(&shared.upstream, frame.at, 0.0, 1));
                frame.at
            });
            let recv_ms = frame.at.duration_since(started_at).as_micros() as f64 / 1_000.0;
            let kind = match frame.kind {
                JournalEntryKind::Event => TapeEntry::Frame,
                JournalEntryKind::Snapshot => TapeEntry::Answer,
            };
            push_frame_line(lines, recv_ms, kind, &frame.text, true);
            if lines.len() >= CHUNK_BYTES {
                return;
            }
        }
        self.is_over = looked_at < MOST_LOOKED_AT;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::hub::relay::JournalRetention;
    use crate::hub::relay::journal::JournalEntry;

    #[test]
    fn page_of_few_among_many_frames_is_read_with_pauses() {
        let keep = JournalRetention { age: Duration::MAX, bytes: u64::MAX, runs: usize::MAX };
        let (_ingest_thread, shared) = Hub::prepared(keep);
        let begin: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let last = 2 * MOST_LOOKED_AT as u64 + 1;
        for seq in 1..=last {
            shared.state_mut().journal.push(JournalEntry {
                seq,
                run: "r".into(),
                kind: JournalEntryKind::Event,
                at: begin + Duration::from_millis(seq),
                text: "{}".into(),
            });
        }
        let from = Some(begin + Duration::from_millis(last));
        let mut reader = PageReader {
            shared,
            request: PageRequest { from, ..PageRequest::default() },
            after: 0,
            until: last,
            started_at: None,
            is_over: false,
        };
        let counts = std::iter::from_fn(|| reader.next_lines())
            .map(|lines| lines.iter().filter(|byte| **byte == b'\n').count());
        assert_eq!(counts.collect::<Vec<_>>(), [0, 0, 2], "the header and one frame");
    }
}
