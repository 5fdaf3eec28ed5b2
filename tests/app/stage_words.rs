//! Exact text of the stage in each scene.

use meterbridge::app::state::clock::PlaybackClock;
use meterbridge::app::state::focus::Focus;
use meterbridge::app::state::run_store::RunStore;
use meterbridge::app::state::run_view::{ModuleView, StageView};
use meterbridge::app::views::stage::story::story;
use meterbridge::model::NodeStatus;

use super::support::{headless_app, play_scene};

/// Returns title, status, times, modules, loop, failure and story of a scene, one per line; empty ones
/// are left out.
fn words(scene: &str) -> String {
    let mut app = headless_app();
    play_scene(&mut app, scene);
    let world = app.world();
    let (run_store, clock) = (world.resource::<RunStore>(), world.resource::<PlaybackClock>());
    let run = world.resource::<Focus>().run().and_then(|id| run_store.model.run(id)).unwrap();
    let view = StageView::of(run, run_store, clock.now, clock.server_now);

    let cancel = if view.cancel_requested { ", cancel requested" } else { "" };
    let verdicts = view.fix.verdicts.iter().map(|verdict| {
        let score = verdict.score.map_or_else(|| "?".to_owned(), |score| format!("{score:.2}"));
        let passed = match verdict.passed {
            Some(true) => "yes",
            Some(false) => "no",
            None => "open",
        };
        format!("{score} {passed}")
    });
    let scores = view.scores.iter().map(|scores| {
        let total = scores.total.map_or_else(String::new, |total| format!("{total:.2}"));
        let parts: Vec<&str> = scores.parts.iter().map(|(name, _)| name.as_str()).collect();
        format!("score {total}: {}", parts.join(", "))
    });
    let failure = view.failure.iter().map(|failure| {
        let reason: String = failure.reason.chars().take(90).collect();
        format!("{}: {reason}", failure.headline)
    });
    let modules: Vec<String> = view.modules.iter().map(module_words).collect();
    let lines = [
        format!("{} | {}", view.title, view.meta.join(" | ")),
        format!("{} {}{cancel}", view.status_word, view.status_detail).trim_end().to_owned(),
        [view.time_word, &view.time, &view.queued, &view.time_detail]
            .iter()
            .filter(|words| !words.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(" | "),
        modules.join(" "),
    ];
    let fix = (view.fix.passes > 0)
        .then(|| format!("fix {}: {}", view.fix.passes, verdicts.collect::<Vec<_>>().join(", ")));
    let told = story(run, &view, clock.server_now).join(" ");
    let told = (!told.is_empty()).then_some(told);
    let all = lines.into_iter().chain(fix).chain(scores).chain(failure).chain(told);
    all.collect::<Vec<_>>().join("\n").replace('\u{a0}', " ")
}

/// Marks of a module: `PLAN+` done, `LYRICS>` running, `RENDER!` failed, `REVIEW/` skipped, `STYLE?`
/// not seen, `COMPOSE=` stopped here, `VALIDATE-!` waiting after an earlier refusal.
fn module_words(module: &ModuleView) -> String {
    let status = match module.status {
        _ if module.stopped => "=",
        NodeStatus::Pending => "-",
        NodeStatus::Running => ">",
        NodeStatus::Success => "+",
        NodeStatus::Failed => "!",
        NodeStatus::Skipped => "/",
        NodeStatus::Unknown => "?",
    };
    let slow = if module.has_focus() && module.is_slow() { " slow" } else { "" };
    let refused = if module.refused_before { "!" } else { "" };
    format!("{}{status}{refused}{slow}", module.name)
}

#[track_caller]
fn check(scene: &str, expected: &str) {
    let actual = words(scene);
    assert!(actual == expected, "{scene}:\n{actual}\n");
}

/// A missing or unreliable estimate is stated as such.
#[test]
fn running_run_shows_its_step_and_estimate() {
    check(
        "mid-run",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running LYRICS, step 3 of 8\n\
         elapsed | 0:48 | 32 s of it queued | 1:57 to go\n\
         PLAN+ STYLE+ LYRICS> PRODUCER- COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         Two steps done, as fast as usual.",
    );
    check(
        "first-run-no-history",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Running LYRICS, step 3 of 8\n\
         elapsed | 0:48 | 32 s of it queued | no estimate yet\n\
         PLAN+ STYLE+ LYRICS> PRODUCER- COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         Two steps done.",
    );
    check(
        "slow-node",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Running LYRICS, step 3 of 8\n\
         elapsed | 1:18 | 32 s of it queued | late by 0:22\n\
         PLAN+ STYLE+ LYRICS> slow PRODUCER- COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         LYRICS is slow: only the slowest 5 % take over 0:29.",
    );
    check(
        "stale",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Running LYRICS, step 3 of 8\n\
         elapsed | 1:26 | 32 s of it queued | no news for 0:38\n\
         PLAN+ STYLE+ LYRICS> slow PRODUCER- COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         LYRICS is slow: only the slowest 5 % take over 0:29.",
    );
}

#[test]
fn all_running_nodes_are_named() {
    check(
        "several-nodes",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running LYRICS, PRODUCER\n\
         elapsed | 0:43 | 32 s of it queued | 2:02 to go\n\
         PLAN+ STYLE+ LYRICS> PRODUCER> COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         Two steps done, as fast as usual.",
    );
    check(
        "three-nodes",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running STYLE, LYRICS, PRODUCER\n\
         elapsed | 0:36 | 32 s of it queued | 2:07 to go\n\
         PLAN+ STYLE> LYRICS> PRODUCER> COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         One step done, as fast as usual.",
    );
    check(
        "four-nodes",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running STYLE, LYRICS, PRODUCER, COMPOSE\n\
         elapsed | 0:37 | 32 s of it queued | 2:07 to go\n\
         PLAN+ STYLE> LYRICS> PRODUCER> COMPOSE> VALIDATE- RENDER- REVIEW-\n\
         One step done, as fast as usual.",
    );
}

#[test]
fn fix_loop_shows_its_passes_and_verdicts() {
    check(
        "fix-running",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 3 runs\n\
         Running fix 1 of 3\n\
         elapsed | 1:44 | 32 s of it queued | 1:35 to go\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE- VALIDATE-! RENDER- REVIEW-\n\
         fix 1: 0.71 no\n\
         score 0.71: hook density, rhyme tightness, section completeness, singability\n\
         VALIDATE refused once, with a score of 0.71.",
    );
    check(
        "second-fix-pass",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 3 runs\n\
         Running COMPOSE, fix 2 of 3\n\
         elapsed | 2:58 | 32 s of it queued | 1:05 to go\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE> VALIDATE-! RENDER- REVIEW-\n\
         fix 2: 0.71 no, 0.74 no\n\
         score 0.74: hook density, rhyme tightness, section completeness, singability\n\
         VALIDATE refused twice; fixing raised the score from 0.71 to 0.74.",
    );
}

#[test]
fn failure_names_node_and_reason_on_one_line() {
    check(
        "failed",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Failed\n\
         stopped after | 2:26 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE+ VALIDATE+ RENDER! REVIEW/\n\
         fix 1: 0.74 no, 0.88 yes\n\
         score 0.88: hook density, rhyme tightness, section completeness, singability\n\
         RENDER failed: Engine queue rejected the job: quota exceeded\n\
         VALIDATE refused once; fixing raised the score from 0.74 to 0.88. RENDER failed after 3.1 s.",
    );
    check(
        "failed-run-without-node",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Failed\n\
         stopped after | 1:39 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE+ VALIDATE+ RENDER/ REVIEW/\n\
         score 0.88: hook density, rhyme tightness, section completeness, singability\n\
         Run failed: Skill not registered: amcs.render.submit\n\
         Six steps were done before.",
    );
    check(
        "failed-fix",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Failed\n\
         stopped after | 1:41 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE+ VALIDATE+! RENDER/ REVIEW/\n\
         fix 1: 0.71 no\n\
         score 0.71: hook density, rhyme tightness, section completeness, singability\n\
         FIX failed: The patch would leave the chorus without lyrics\n\
         VALIDATE refused once, with a score of 0.71. FIX failed after 2.2 s.",
    );
    check(
        "failed-first",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Failed\n\
         stopped after | 0:33 | 32 s of it queued\n\
         PLAN! STYLE/ LYRICS/ PRODUCER/ COMPOSE/ VALIDATE/ RENDER/ REVIEW/\n\
         PLAN failed: The song has no sections to plan\n\
         No step was done before.",
    );
    check(
        "long-error",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Failed\n\
         stopped after | 1:15 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE! VALIDATE/ RENDER/ REVIEW/\n\
         COMPOSE failed: KeyError: \"chorus\" is not among the sections the blueprint allows for \
         genre <synthwave>, s\n\
         Four steps were done before.",
    );
}

#[test]
fn cancelled_run_shows_where_it_stopped_or_that_it_continues() {
    check(
        "cancelled",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Cancelled during COMPOSE\n\
         stopped after | 1:14 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE= VALIDATE/ RENDER/ REVIEW/\n\
         Ended 9 s ago.",
    );
    check(
        "cancel-goes-on",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running VALIDATE, step 6 of 8, cancel requested\n\
         elapsed | 1:35 | 32 s of it queued | 1:01 to go\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE+ VALIDATE> RENDER- REVIEW-\n\
         Cancel requested; the run continues.",
    );
}

#[test]
fn completed_run_shows_its_score() {
    check(
        "completed",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Finished score 0.88, 1 fix\n\
         took | 3:17 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE+ VALIDATE+ RENDER+ REVIEW+\n\
         fix 1: 0.74 no, 0.88 yes\n\
         score 0.88: hook density, rhyme tightness, section completeness, singability\n\
         VALIDATE refused once; fixing raised the score from 0.74 to 0.88.",
    );
    check(
        "completed-exhausted",
        "\
         Neon Rain | run f1a9…7d93 | seed 42\n\
         Finished score 0.78, 3 fixes\n\
         took | 3:59 | 32 s of it queued\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER+ COMPOSE+ VALIDATE+! RENDER/ REVIEW+\n\
         fix 3: 0.71 no, 0.71 no, 0.74 no, 0.78 no\n\
         score 0.78: hook density, rhyme tightness, section completeness, singability\n\
         VALIDATE refused 4 times; fixing raised the score from 0.71 to 0.78. No fix was good \
         enough, so nothing was rendered.",
    );
}

#[test]
fn unseen_steps_are_marked_unknown() {
    check(
        "unknown-start",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running COMPOSE, step 5 of 8\n\
         elapsed | 1:06 | 12 s of it queued | 1:23 to go\n\
         PLAN? STYLE? LYRICS? PRODUCER+ COMPOSE> VALIDATE- RENDER- REVIEW-\n\
         Some of its first steps were not seen.",
    );
    check(
        "second-execution",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | execution 2 | estimate from 15 runs\n\
         Running LYRICS, step 3 of 8\n\
         elapsed | 0:16 | 1:57 to go\n\
         PLAN+ STYLE+ LYRICS> PRODUCER- COMPOSE- VALIDATE- RENDER- REVIEW-\n\
         The previous execution failed.",
    );
    check(
        "unknown-extra-node",
        "\
         Neon Rain | run f1a9…7d93 | seed 42 | estimate from 15 runs\n\
         Running PRODUCER, step 4 of 9\n\
         elapsed | 1:01 | 32 s of it queued | 1:43 to go\n\
         PLAN+ STYLE+ LYRICS+ PRODUCER> COMPOSE- VALIDATE- RENDER- REVIEW- SAFETY_CHECK+\n\
         Four steps done, as fast as usual.",
    );
}
