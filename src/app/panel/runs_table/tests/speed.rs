//! Times that the list of 10,000 runs takes; printed, not asserted:
//! `cargo test --lib runs_table::tests::speed -- --nocapture`.

use crate::app::panel::runs_table::columns::Column;
use std::time::Instant;

use super::*;

const RUNS: u32 = 10_000;

fn many_runs() -> Vec<String> {
    let words = ["Glass", "Harbour", "Winter", "Orchard", "Neon", "Rain", "Chariot", "Sketch"];
    let mut frames = Vec::new();
    for n in 0..RUNS {
        let (run, second) = (format!("{n:08x}-5b6e-4f70-8a9b-0c1d2e3f7d93"), n % 3_000);
        let at = |index: u32| words[(index % 8) as usize];
        frames.push(start(second, &run, &format!("{} {} {}", at(n), at(n / 8), n / 64)));
        frames.push(node(second + 1, &run, "PLAN", "start"));
        if n % 10 > 1 {
            let data = format!(r#"{{"duration_ms":{}}}"#, 20_000 + n);
            frames.push(frame(second + 21, &run, Some("PLAN"), "end", &data));
        }
        match n % 10 {
            0 => {}
            1 => frames.push(end(second + 50, &run, "fail")),
            _ => frames.push(end(second + 90, &run, "end")),
        }
    }
    frames
}

#[test]
fn ten_thousand_runs_are_sorted_and_searched_in_time() {
    let scene = Scene::new(&many_runs());
    let mut order = RunOrder::default();
    for column in Column::ALL {
        for typed in ["", "h", "har", "har quota"] {
            let request = Request {
                sorting: Sorting::default().pressed(column),
                needle: Needle::new(typed),
                status: None,
            };
            for which in ["first", "next"] {
                order.let_in();
                let begun = Instant::now();
                order.refresh(&scene.run_store, &request, Hold::default(), 0.0, scene.now);
                let took = begun.elapsed().as_secs_f64() * 1e3;
                let words = column.words();
                println!("{words:9} {typed:10} {which}: {took:6.2} ms, {}", order.rows().len());
            }
        }
    }
    assert!(!order.rows().is_empty());
    let mut harness = scene.harness(948.0, 963.0);
    let begun = Instant::now();
    harness.run_steps(20);
    println!("frame: {:.2} ms", begun.elapsed().as_secs_f64() * 1e3 / 20.0);
    assert_eq!(harness.state().state.listed().len(), RUNS as usize);
}
