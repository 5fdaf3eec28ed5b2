//! The simulated nodes of the pipeline.

use serde_json::{Map, Value, json};

use super::{Song, Sound};

/// Total score from which VALIDATE passes.
pub const PASS_SCORE: f64 = 0.80;

/// Components of VALIDATE's total score with their weights, which sum to one.
pub const SCORE_WEIGHTS: [(&str, f64); 4] = [
    ("hook_density", 0.15),
    ("singability", 0.25),
    ("rhyme_tightness", 0.25),
    ("section_completeness", 0.35),
];

/// A node of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    Plan,
    Style,
    Lyrics,
    Producer,
    Compose,
    Validate,
    Fix,
    Render,
    Review,
}

impl Node {
    /// Returns the name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plan => "PLAN",
            Self::Style => "STYLE",
            Self::Lyrics => "LYRICS",
            Self::Producer => "PRODUCER",
            Self::Compose => "COMPOSE",
            Self::Validate => "VALIDATE",
            Self::Fix => "FIX",
            Self::Render => "RENDER",
            Self::Review => "REVIEW",
        }
    }

    /// Returns the backend's skill behind the node.
    pub const fn skill(self) -> &'static str {
        match self {
            Self::Plan => "amcs.plan.generate",
            Self::Style => "amcs.style.generate",
            Self::Lyrics => "amcs.lyrics.generate",
            Self::Producer => "amcs.producer.generate",
            Self::Compose => "amcs.compose.generate",
            Self::Validate => "amcs.validate.evaluate",
            Self::Fix => "amcs.fix.apply",
            Self::Render => "amcs.render.submit",
            Self::Review => "amcs.review.finalize",
        }
    }

    /// Returns the typical duration in seconds: the median of the simulated durations.
    pub const fn typical_secs(self) -> f64 {
        match self {
            Self::Plan => 2.1,
            Self::Style => 3.0,
            Self::Lyrics => 19.0,
            Self::Producer => 6.5,
            Self::Compose => 33.0,
            Self::Validate => 4.0,
            Self::Fix => 8.0,
            Self::Render => 48.0,
            Self::Review => 7.0,
        }
    }

    /// True when the same seed gives the same output; nodes that use external services do not.
    pub const fn is_deterministic(self) -> bool {
        !matches!(self, Self::Render | Self::Review)
    }

    /// Returns temperature and top_p of the node's model, if it uses one.
    pub const fn model_params(self) -> Option<(f64, f64)> {
        match self {
            Self::Lyrics => Some((0.3, 0.85)),
            Self::Render | Self::Review => None,
            _ => Some((0.2, 0.9)),
        }
    }

    /// Returns the progress messages, in order; empty for short nodes.
    pub(super) const fn progress_messages(self) -> &'static [&'static str] {
        match self {
            Self::Lyrics => &[
                "Drafting the first verse",
                "Looking for the hook",
                "Drafting the second verse",
                "Writing the bridge",
                "Tightening the rhymes",
                "Reading it aloud",
            ],
            Self::Compose => &[
                "Sketching the chords",
                "Laying down drums and bass",
                "Writing the chorus melody",
                "Voicing the pads",
                "Arranging the bridge",
                "Loosening the timing",
                "Bouncing the draft",
            ],
            Self::Render => &[
                "Waiting for an engine",
                "Rendering the rhythm stems",
                "Rendering the harmony stems",
                "Rendering the lead vocal",
                "Rendering the backing vocals",
                "Mixing down",
                "Mastering",
                "Encoding",
            ],
            _ => &[],
        }
    }

    /// Returns the node's artifacts in the form that an inspector would show. `total` is VALIDATE's
    /// score.
    pub(super) fn artifacts(
        self,
        song: &Song,
        sound: &Sound,
        total: Option<f64>,
        rng: &mut fastrand::Rng,
    ) -> Map<String, Value> {
        let (name, value) = match self {
            Self::Plan => (
                "plan",
                json!({
                    "sections": ["intro", "verse", "chorus", "verse", "chorus", "bridge", "chorus"],
                    "target_seconds": rng.u32(150..=260),
                }),
            ),
            Self::Style => (
                "style_spec",
                json!({
                    "genre": sound.genre, "mood": sound.mood,
                    "key": sound.key, "tempo_bpm": sound.tempo_bpm,
                }),
            ),
            Self::Lyrics => (
                "lyrics",
                json!({"lines": rng.u32(24..=44), "words": rng.u32(150..=320), "language": "en"}),
            ),
            Self::Producer => (
                "producer_notes",
                json!({"stems": rng.u32(6..=14), "reference_lufs": -14, "space": "medium plate"}),
            ),
            Self::Compose => {
                ("composed_prompt", json!({"characters": rng.u32(900..=2600), "sections": 7}))
            }
            Self::Validate => {
                let passed = total.is_some_and(|total| total >= PASS_SCORE);
                ("validation_report", json!({"passed": passed, "needs": PASS_SCORE}))
            }
            Self::Fix => {
                let (target, _) = SCORE_WEIGHTS[rng.usize(..SCORE_WEIGHTS.len())];
                ("fix_patch", json!({"target": target, "changed_lines": rng.u32(2..=9)}))
            }
            Self::Render => (
                "audio",
                json!({
                    "file": format!("{}.wav", file_stem(song)),
                    "seconds": rng.u32(150..=260), "sample_rate": 48000,
                }),
            ),
            Self::Review => (
                "release_sheet",
                json!({"file": format!("{}.json", file_stem(song)), "credits": 3}),
            ),
        };
        Map::from_iter([(name.to_owned(), value)])
    }
}

/// Returns the title as a file name: lower case, words joined by hyphens.
fn file_stem(song: &Song) -> String {
    song.full_title()
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_weights_sum_to_one() {
        let sum: f64 = SCORE_WEIGHTS.iter().map(|(_, weight)| weight).sum();
        assert!((sum - 1.0).abs() < 1e-9);
    }

    #[test]
    fn node_names_match_the_pipeline() {
        let nodes = [
            Node::Plan,
            Node::Style,
            Node::Lyrics,
            Node::Producer,
            Node::Compose,
            Node::Validate,
            Node::Fix,
            Node::Render,
            Node::Review,
        ];
        assert_eq!(nodes.map(Node::name), crate::protocol::PIPELINE);
    }
}
