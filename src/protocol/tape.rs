//! Frames as they were received, kept beside a batch's items for whoever records them.

/// Texts of received frames and REST answers, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tape {
    /// The texts, concatenated to save an allocation for each.
    texts: String,
    /// End of each text in `texts`, and its kind.
    entries: Vec<(usize, TapeEntry)>,
}

/// Kind of a text on a [`Tape`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapeEntry {
    /// A frame. One that could not be kept is its reason, which cannot be read as an event either.
    Frame,
    /// A run's snapshot from REST, as a hub's frame. It counts as no frame.
    Answer,
}

impl Tape {
    /// True when nothing was received.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Returns the texts with their kinds, in order.
    pub fn entries(&self) -> impl Iterator<Item = (TapeEntry, &str)> {
        let mut start = 0;
        self.entries.iter().map(move |(end, kind)| {
            let text = &self.texts[start..*end];
            start = *end;
            (*kind, text)
        })
    }

    pub(super) fn push(&mut self, kind: TapeEntry, text: &str) {
        self.texts.push_str(text);
        self.entries.push((self.texts.len(), kind));
    }

    pub(super) fn append(&mut self, other: &Self) {
        let before = self.texts.len();
        self.texts.push_str(&other.texts);
        self.entries.extend(other.entries.iter().map(|(end, kind)| (before + end, *kind)));
    }
}
