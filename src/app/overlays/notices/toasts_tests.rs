//! Tests of the rules over time for toasts.

use jiff::Timestamp;

use super::*;
use crate::source::{OperationOutcome, OperationSuccess, RunOperation};

fn finished(title: &str) -> Notice {
    let news = News::Completed { took_ms: Some(125_000), score: Some(0.91) };
    Notice { at: Timestamp::UNIX_EPOCH, run: Some(title.into()), title: title.into(), news }
}

fn failed(title: &str, node: &str, reason: &str) -> Notice {
    let news = News::Failed { node: Some(node.into()), reason: reason.into() };
    Notice { news, ..finished(title) }
}

fn cancelled(title: &str) -> Notice {
    let done = OperationSuccess { run: Some(title.into()), words: "Cancel requested".to_owned() };
    let operation = RunOperation::Cancel(title.into());
    let outcome = OperationOutcome { operation, result: Ok(done) };
    Notice::of_operation(outcome, title.to_owned(), Timestamp::UNIX_EPOCH)
}

/// The sentence in the lane, empty when there is none.
fn sentence(toasts: &Toasts, now: f64) -> String {
    let told = toasts.standing().map(|toast| format!("{} {}", toast.title(), toast.words(now)));
    told.unwrap_or_default()
}

/// The sentence after a step.
fn after_step(toasts: &mut Toasts, now: f64) -> String {
    toasts.step(now);
    sentence(toasts, now)
}

#[test]
fn toast_is_a_sentence_of_song_verb_score_and_time() {
    let mut toasts = Toasts::default();
    toasts.add_notice(finished("Neon Rain"), 100.0);
    assert_eq!(sentence(&toasts, 100.0), "Neon Rain finished, score 0.91, took 2:05");
    let news = News::Completed { took_ms: None, score: None };
    assert_eq!(Notice { news, ..finished("Neon Rain") }.sentence(""), "finished");
    let refused = News::Refused {
        operation: RunOperation::Retry("r".into()),
        words: "Run 1 is not in failed status".to_owned(),
    };
    assert_eq!(
        Notice { news: refused, ..finished("Neon Rain") }.sentence(""),
        "could not be retried: Run 1 is not in failed status"
    );
    assert_eq!(cancelled("Neon Rain").sentence(""), "cancel requested");
}

#[test]
fn failure_stays_for_30_seconds_and_says_its_age() {
    let mut toasts = Toasts::default();
    toasts.add_notice(failed("Blue Hour", "RENDER", "quota exceeded"), 100.0);
    assert_eq!(sentence(&toasts, 100.0), "Blue Hour RENDER failed 0 s ago: quota exceeded");
    let later = after_step(&mut toasts, 129.9);
    assert_eq!(later, "Blue Hour RENDER failed 29 s ago: quota exceeded");
    assert_eq!(after_step(&mut toasts, 130.0), "");
    assert!(toasts.is_idle());
}

#[test]
fn one_toast_stands_for_6_seconds_while_newer_ones_wait() {
    let mut toasts = Toasts::default();
    toasts.add_notice(finished("A"), 100.0);
    toasts.add_notice(finished("B"), 101.0);
    assert!(sentence(&toasts, 101.0).starts_with("A finished"));
    assert!(after_step(&mut toasts, 105.9).starts_with("A finished"));
    assert!(after_step(&mut toasts, 106.0).starts_with("B finished"));
    assert_eq!(after_step(&mut toasts, 112.0), "");
}

#[test]
fn three_waiting_toasts_become_one() {
    let mut toasts = Toasts::default();
    toasts.add_notice(finished("A"), 100.0);
    for title in ["B", "C"] {
        toasts.add_notice(finished(title), 101.0);
    }
    assert_eq!(toasts.waiting.len(), 2, "two wait by themselves");
    toasts.add_notice(finished("D"), 102.0);
    assert_eq!(after_step(&mut toasts, 106.0), "3 songs finished");
    assert!(toasts.waiting.is_empty());
}

#[test]
fn shared_toast_counts_each_outcome_and_stays_like_a_failure() {
    let mut toasts = Toasts::default();
    toasts.add_notice(finished("A"), 100.0);
    toasts.add_notice(failed("B", "RENDER", "quota exceeded"), 101.0);
    for run in 0..1_200 {
        toasts.add_notice(finished(&run.to_string()), 102.0);
    }
    assert_eq!(after_step(&mut toasts, 106.0), "1,201 songs 1 failed, 1,200 finished");
    assert!(toasts.standing().unwrap().is_bad());
    assert!(!after_step(&mut toasts, 135.9).is_empty());
    assert_eq!(after_step(&mut toasts, 136.0), "");
}

#[test]
fn outcome_of_an_operation_interrupts_a_failure_which_then_returns() {
    let mut toasts = Toasts::default();
    toasts.add_notice(failed("A", "RENDER", "quota exceeded"), 100.0);
    toasts.add_notice(cancelled("D"), 110.0);
    assert!(sentence(&toasts, 110.0).starts_with("A RENDER failed"), "it fades out first");
    assert_eq!(after_step(&mut toasts, 110.2), "D cancel requested");
    assert!(after_step(&mut toasts, 116.3).starts_with("A RENDER failed 16 s ago"));
    assert!(!after_step(&mut toasts, 136.2).is_empty(), "for the 20 s that were left");
    assert_eq!(after_step(&mut toasts, 136.3), "");
    assert!(toasts.is_idle());
}

#[test]
fn outcomes_of_operations_are_not_counted_with_songs() {
    let mut toasts = Toasts::default();
    toasts.add_notice(cancelled("A"), 100.0);
    for title in ["B", "C", "D"] {
        toasts.add_notice(cancelled(title), 100.0);
        toasts.add_notice(finished(title), 100.0);
    }
    assert_eq!(sentence(&toasts, 100.0), "A cancel requested");
    assert_eq!(after_step(&mut toasts, 106.0), "3 requests accepted");
    assert_eq!(after_step(&mut toasts, 112.0), "3 songs finished");
}

#[test]
fn toast_fades_in_and_out_within_200_ms_unless_motion_is_reduced() {
    let mut toasts = Toasts::default();
    toasts.add_notice(finished("A"), 100.0);
    let opacity = |toasts: &Toasts, now| toasts.opacity(toasts.standing().unwrap(), now);
    assert_eq!(opacity(&toasts, 100.0), 0.0);
    assert_eq!(opacity(&toasts, 100.2), 1.0);
    let number = toasts.standing().unwrap().number;
    toasts.dismiss(number, 101.0);
    assert!(!toasts.any(101.0));
    assert!((0.4..0.6).contains(&opacity(&toasts, 101.1)));
    assert_eq!(after_step(&mut toasts, 101.2), "");
    toasts.set_calm(true);
    toasts.add_notice(finished("B"), 102.0);
    assert_eq!(opacity(&toasts, 102.0), 1.0);
}

#[test]
fn toast_leaves_when_the_view_shows_its_run() {
    let mut toasts = Toasts::default();
    toasts.add_notice(failed("A", "RENDER", "quota exceeded"), 100.0);
    toasts.add_notice(finished("B"), 100.0);
    toasts.dismiss_shown(Shown::Run(&"other".into()), 101.0);
    assert!(toasts.any(101.0));
    toasts.dismiss_shown(Shown::Run(&"A".into()), 101.0);
    assert!(after_step(&mut toasts, 101.2).starts_with("B finished"));
    toasts.add_notice(cancelled("C"), 102.0);
    toasts.dismiss_shown(Shown::AllRuns, 102.0);
    assert_eq!(after_step(&mut toasts, 102.2), "C cancel requested", "no card says that");
}

#[test]
fn toasts_that_waited_too_long_are_dropped() {
    let mut toasts = Toasts::default();
    toasts.set_has_lane(false);
    toasts.add_notice(finished("A"), 20.0);
    toasts.add_notice(failed("B", "PLAN", "no sections"), 20.0);
    toasts.step(81.0);
    toasts.set_has_lane(true);
    assert!(after_step(&mut toasts, 81.0).starts_with("B PLAN failed 1 min ago"));
    assert!(toasts.waiting.is_empty());
}

#[test]
fn lane_asks_for_the_frame_of_its_next_change() {
    let mut toasts = Toasts::default();
    assert_eq!(toasts.due_in_secs(99.0), None);
    toasts.add_notice(finished("A"), 100.0);
    assert_eq!(toasts.due_in_secs(100.1), Some(0.0), "it fades in");
    let due = toasts.due_in_secs(101.0).unwrap();
    assert!((4.79..4.81).contains(&due), "{due}");
    toasts.step(106.0);
    toasts.add_notice(failed("B", "PLAN", "no sections"), 107.0);
    let due = toasts.due_in_secs(109.25).unwrap();
    assert!((0.74..0.76).contains(&due), "its age changes: {due}");
}
