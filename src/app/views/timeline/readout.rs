//! Readout of the cell that is pointed at or selected: its step, its time, and the usual time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bar::{silent_since, unsure_words};
use crate::app::state::run_store::RunStore;
use crate::app::state::timeline::CellId;
use crate::app::words::{clock_words, duration_words, time_words};
use crate::timeline::{Bar, RunBars};

/// Words about a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Readout {
    pub cell: CellId,
    /// "COMPOSE, fix 1"; of all runs with the run's name before it.
    pub title: String,
    /// "0:34, usual 0:33, 21:02:14 to 21:02:48".
    pub words: String,
}

impl Readout {
    /// Returns what is known about a cell; `None` when there is no such attempt any more.
    pub fn of(
        cell: &CellId,
        run_store: &RunStore,
        server_now: Timestamp,
        zone: &TimeZone,
        with_run: bool,
    ) -> Option<Self> {
        let run = run_store.model.run(&cell.run)?;
        let bars = RunBars::of(run, silent_since(run, server_now).unwrap_or(server_now));
        let is_it = |bar: &&Bar| bar.node == cell.node && bar.attempt == cell.attempt;
        let bar = bars.bars.iter().find(is_it)?;
        let mut title = bar_name(bar);
        if with_run {
            title = format!("{}: {title}", run_store.name(run));
        }
        let mut words = vec![time_of(bar)];
        if let Some(usual) = run_store.model.stats().node_baseline(&bar.node) {
            words.push(format!("usual {}", duration_words(usual.p50_ms)));
        }
        let from = time_words(bar.span.from, zone);
        words.push(match bar.is_open {
            true => format!("since {from}"),
            false => format!("{from} to {}", time_words(bar.span.to, zone)),
        });
        if let Some(unsure) = unsure_words(bar) {
            words.push(unsure.to_owned());
        }
        if let Some(error) = &bar.error {
            words.push(crate::app::words::one_line(error));
        }
        Some(Self { cell: cell.clone(), title, words: words.join(", ") })
    }
}

/// Name of a bar: "COMPOSE, fix 1".
fn bar_name(bar: &Bar) -> String {
    match bar.fix {
        0 => bar.node.to_string(),
        fix if bar.node == "FIX" => format!("FIX {fix}"),
        fix => format!("{}, fix {fix}", bar.node),
    }
}

fn time_of(bar: &Bar) -> String {
    match bar.took_ms() {
        Some(ms) if bar.is_open => format!("{} so far", clock_words(ms)),
        Some(ms) => duration_words(ms),
        None => "time not known".to_owned(),
    }
}
