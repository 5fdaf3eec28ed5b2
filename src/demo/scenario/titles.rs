//! Songs of the studio.

use uuid::Uuid;

use super::{Song, Sound};

/// Invented titles. The first ones are used in the opening, so that a fresh demo always starts with
/// titles that fit the wall.
pub(super) const TITLES: [&str; 64] = [
    "Neon Rain",
    "Salt & Static",
    "Glass Harbour",
    "Paper Lanterns",
    "Midnight Ferry",
    "Kite Season",
    "Northern Line",
    "Copper Sky",
    "Low Tide Lullaby",
    "Small Hours",
    "Seven Bridges",
    "Velvet Engine",
    "Café Électrique",
    "Hollow Moon",
    "Tin Roof Symphony",
    "Letters from the Lighthouse Keeper's Daughter",
    "Borrowed Summer",
    "Static Bloom",
    "Winter Orchard",
    "Slow Elevator",
    "Ember & Ash",
    "The Quiet Machine",
    "Cartographer",
    "Blue Hour Radio",
    "Marigold",
    "Satellite Heart",
    "Foxglove Road",
    "Everything We Left on the Platform at Half Past Nine",
    "Thin Ice",
    "Carousel in the Rain",
    "Switchboard",
    "Long Way to Lisbon",
    "Sleeping Giants",
    "Analogue Ghost",
    "Saffron",
    "Last Tram Home",
    "Undertow",
    "Dust on the Needle",
    "Porcelain",
    "Wolves of the Ring Road",
    "Chalk Outline Waltz",
    "Honey & Gravel",
    "Sundial",
    "A Field Guide to Falling Stars",
    "Telegraph Hill",
    "Red Umbrella",
    "Driftwood Choir",
    "Halogen",
    "Second Skin",
    "The Weather in Your Voice",
    "Pale Fire Escape",
    "Juniper",
    "Night Swimmers",
    "Concrete Garden",
    "Photograph of a Storm",
    "Tidal Clock",
    "Amber Signal",
    "Ferris Wheel, Out of Season",
    "Whisper Gallery",
    "Iron & Lace",
    "Polaroid",
    "Snowblind",
    "Harbour Lights, Slowly",
    "Goodnight, Transistor",
];

/// Suffixes that distinguish songs of one title once all titles are in use.
const VERSIONS: [&str; 8] = [
    "",
    " (Acoustic)",
    " (Night Version)",
    " II",
    " (Reprise)",
    " (Club Mix)",
    " (Strings)",
    " (Take Two)",
];

const GENRES: [&str; 10] = [
    "dream pop",
    "synthwave",
    "indie folk",
    "trip hop",
    "chamber pop",
    "lo-fi house",
    "alt country",
    "neo soul",
    "post-rock",
    "bossa nova",
];
const MOODS: [&str; 8] =
    ["wistful", "restless", "warm", "defiant", "tender", "nocturnal", "bright", "uneasy"];
const KEYS: [&str; 8] =
    ["A minor", "E minor", "D major", "F♯ minor", "C major", "G minor", "B♭ major", "D minor"];

/// Deals titles in shuffled order; no title repeats before all others were dealt.
#[derive(Clone, Debug)]
pub(super) struct ShuffledTitles {
    order: Vec<usize>,
    dealt: usize,
    /// True when there are more songs in progress at once than titles.
    crowded: bool,
}

impl ShuffledTitles {
    pub(super) fn new(crowded: bool) -> Self {
        Self { order: (0..TITLES.len()).collect(), dealt: 0, crowded }
    }

    /// Returns the next song. In the first round, the first `opening` songs are in the order of
    /// [`TITLES`], so that they are the same for every seed; all others are shuffled.
    pub(super) fn deal(&mut self, rng: &mut fastrand::Rng, opening: usize) -> Song {
        let place = self.dealt % self.order.len();
        if place == 0 {
            let fixed = if self.dealt == 0 { opening.min(self.order.len()) } else { 0 };
            rng.shuffle(&mut self.order[fixed..]);
        }
        let round = self.dealt / self.order.len();
        let index = self.order[place];
        self.dealt += 1;
        let version = if self.crowded { round % VERSIONS.len() } else { 0 };
        song(version, index)
    }
}

/// Returns the song of a title and a version of it.
fn song(version: usize, index: usize) -> Song {
    let mut identity = fastrand::Rng::with_seed((version * TITLES.len() + index) as u64);
    Song { id: random_uuid(&mut identity), title: TITLES[index], version: VERSIONS[version] }
}

/// Returns the song with this id, if the studio knows it.
pub fn song_by_id(id: Uuid) -> Option<Song> {
    let all = (0..VERSIONS.len()).flat_map(|version| (0..TITLES.len()).map(move |i| (version, i)));
    all.map(|(version, index)| song(version, index)).find(|song| song.id == id)
}

/// Returns random musical properties for a song.
pub(super) fn draw_sound(rng: &mut fastrand::Rng) -> Sound {
    Sound {
        genre: GENRES[rng.usize(..GENRES.len())],
        mood: MOODS[rng.usize(..MOODS.len())],
        key: KEYS[rng.usize(..KEYS.len())],
        tempo_bpm: rng.u32(68..=142),
    }
}

/// Returns a version 4 UUID from a seeded generator.
pub(super) fn random_uuid(rng: &mut fastrand::Rng) -> Uuid {
    uuid::Builder::from_random_bytes(rng.u128(..).to_be_bytes()).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn titles_are_distinct() {
        assert_eq!(TITLES.iter().collect::<HashSet<_>>().len(), TITLES.len());
    }

    #[test]
    fn every_title_is_dealt_before_repeats_and_repeats_get_versions() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut titles = ShuffledTitles::new(true);
        let songs: Vec<_> = (0..TITLES.len() * 3).map(|_| titles.deal(&mut rng, 6)).collect();
        let ids: HashSet<_> = songs.iter().map(|song| song.id).collect();
        let titles: HashSet<_> = songs.iter().map(Song::full_title).collect();
        assert_eq!(ids.len(), songs.len());
        assert_eq!(titles.len(), songs.len());
        assert_eq!(songs[0].title, "Neon Rain");
    }

    #[test]
    fn song_ids_do_not_depend_on_the_seed() {
        let deal = |seed| {
            let mut rng = fastrand::Rng::with_seed(seed);
            let mut titles = ShuffledTitles::new(false);
            (0..TITLES.len())
                .map(|_| titles.deal(&mut rng, 0))
                .find(|song| song.title == "Juniper")
                .unwrap()
                .id
        };
        assert_eq!(deal(1), deal(2));
    }
}
