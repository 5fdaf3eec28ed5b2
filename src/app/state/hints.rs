//! Hints: what a picture means, in words beside the resting pointer. Views publish which part of the screen
//! means what; the words are made only for the place where the pointer rests.

use bevy::prelude::*;

use super::actions::Action;
use crate::layout::Rect;
use crate::protocol::{NodeName, RunId};

/// Subject of a hint.
#[derive(Clone, Debug, PartialEq)]
pub enum HintSubject {
    /// A meter of the bridge, by its place from the left.
    Meter(usize),
    /// The panel of the connection.
    Connection,
    /// The activity over time, in which a drag moves in time.
    Activity,
    /// A step of a run. `has_dial` is true where a dial shows its time.
    Step { run: RunId, step: NodeName, has_dial: bool },
    /// A run.
    Run(RunId),
    /// A button, by what it does.
    Button(Action),
}

/// Area of the screen that has hints.
#[derive(Clone, Debug, PartialEq)]
pub struct HintArea {
    /// In design pixels.
    pub rect: Rect,
    pub meaning: Meaning,
}

/// Meaning of an area.
#[derive(Clone, Debug, PartialEq)]
pub enum Meaning {
    /// The whole area has one subject.
    One(HintSubject),
    /// Steps of a run in columns of equal width, from left to right.
    Steps { run: RunId, steps: Vec<NodeName> },
}

impl HintArea {
    /// Area with one subject.
    pub fn of(rect: Rect, subject: HintSubject) -> Self {
        Self { rect, meaning: Meaning::One(subject) }
    }

    /// Returns the subject at a point, with its own area.
    fn at(&self, point: Vec2) -> Option<(HintSubject, Rect)> {
        let rect = self.rect;
        if !rect.holds(point.x, point.y) {
            return None;
        }
        match &self.meaning {
            Meaning::One(subject) => Some((subject.clone(), rect)),
            Meaning::Steps { run, steps } => {
                let width = rect.w / steps.len().max(1) as f32;
                let column = ((point.x - rect.x) / width.max(1e-3)) as usize;
                let column = column.min(steps.len().checked_sub(1)?);
                let step = steps[column].clone();
                let left = rect.x + width * column as f32;
                let subject = HintSubject::Step { run: run.clone(), step, has_dial: false };
                Some((subject, Rect::new(left, rect.y, width, rect.h)))
            }
        }
    }
}

/// Areas with hints on the screen, by the name of the part that draws them.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct HintAreas(Vec<(&'static str, Vec<HintArea>)>);

impl HintAreas {
    /// Replaces the areas of a part.
    pub fn show(&mut self, part: &'static str, areas: Vec<HintArea>) {
        match self.0.iter_mut().find(|(name, _)| *name == part) {
            Some((_, shown)) => *shown = areas,
            None => self.0.push((part, areas)),
        }
    }

    /// Returns the subject at a point, with its own area.
    pub fn at(&self, point: Vec2) -> Option<(HintSubject, Rect)> {
        self.0.iter().flat_map(|(_, areas)| areas).find_map(|area| area.at(point))
    }
}

/// Words of a hint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HintWords {
    pub title: String,
    /// Paragraphs below the title.
    pub lines: Vec<String>,
}

/// A hint on the screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Hint {
    pub words: HintWords,
    /// Place at which the pointer came to rest, in design pixels.
    pub pointer: Vec2,
}

/// The hint that is shown.
#[derive(Resource, Clone, Debug, Default, PartialEq)]
pub struct ShownHint {
    pub hint: Option<Hint>,
    /// Place of its card in design pixels, once it was drawn.
    pub card: Option<Rect>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_a_chain_are_its_steps() {
        let steps = vec![NodeName::from("PLAN"), NodeName::from("STYLE")];
        let run = RunId::new("a");
        let meaning = Meaning::Steps { run: run.clone(), steps };
        let mut areas = HintAreas::default();
        areas.show("wall", vec![HintArea { rect: Rect::new(10.0, 0.0, 40.0, 20.0), meaning }]);
        let step = |x: f32| {
            areas.at(Vec2::new(x, 5.0)).map(|(subject, rect)| match subject {
                HintSubject::Step { step, .. } => (step.to_string(), rect.x),
                other => panic!("{other:?}"),
            })
        };
        assert_eq!(step(9.0), None);
        assert_eq!(step(12.0), Some(("PLAN".to_owned(), 10.0)));
        assert_eq!(step(49.0), Some(("STYLE".to_owned(), 30.0)));
        areas.show("wall", vec![]);
        assert_eq!(areas.at(Vec2::new(12.0, 5.0)), None);
        // A run whose steps are not known has no hints.
        let none = Meaning::Steps { run, steps: Vec::new() };
        areas.show("wall", vec![HintArea { rect: Rect::new(0.0, 0.0, 9.0, 9.0), meaning: none }]);
        assert_eq!(areas.at(Vec2::new(1.0, 1.0)), None);
    }
}
