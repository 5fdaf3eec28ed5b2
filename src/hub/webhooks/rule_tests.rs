use jiff::tz::TimeZone;

use super::*;
use crate::protocol::hub::Upstream;

/// Returns a moment this many seconds after 21:00 UTC.
fn at(secs: f64) -> Moment {
    let begin: Timestamp = "2026-11-23T21:00:00Z".parse().unwrap();
    let elapsed = Duration::from_secs_f64(secs);
    Moment { at: begin + elapsed, elapsed }
}

fn run(number: u32, execution: u32) -> RunNews {
    let (step, reason, cause) = match number % 4 {
        0 => ("COMPOSE", format!("timeout after {number} s"), "timeout after # s"),
        _ => ("RENDER", format!("quota {number} exceeded"), "quota # exceeded"),
    };
    RunNews {
        run: RunId::new(format!("run-{number}")),
        song: Some(format!("Song {number}")),
        execution,
        step: Some(step.to_owned()),
        reason: Some(reason),
        cause: Some(cause.to_owned()),
        took_ms: Some(61_000),
        at: at(0.0).at,
        failed_before: 0,
    }
}

fn failed(number: u32) -> News {
    News::Failed(run(number, 1))
}

fn upstream(state: UpstreamState, reason: &str) -> News {
    News::Upstream(Upstream { state, since: at(0.0).at, reason: reason.to_owned() })
}

fn lost() -> News {
    upstream(UpstreamState::Lost, "refused")
}

fn up() -> News {
    upstream(UpstreamState::Polling, "")
}

fn words(messages: Vec<Message>) -> Vec<String> {
    messages.iter().map(Message::words).collect()
}

fn quiet(events: Events) -> Rule {
    let quiet = QuietHours::parse("22:00-07:00", TimeZone::UTC);
    Rule::new(RuleSettings { quiet, urgent: events, ..RuleSettings::default() })
}

#[test]
fn thousand_failures_in_a_minute_are_two_messages() {
    let mut rule = Rule::new(RuleSettings::default());
    let mut told = Vec::new();
    for number in 1..=1_000 {
        told.extend(rule.hear(&failed(number), at(f64::from(number) * 0.06)));
    }
    assert_eq!(words(told), ["Song 1 failed at RENDER: quota 1 exceeded"]);
    let told = rule.tick(at(60.06));
    assert_eq!(told[0].count(), 999);
    assert_eq!(
        words(told),
        ["999 runs failed: 749 × RENDER: quota # exceeded; 250 × COMPOSE: timeout after # s"]
    );
    // Two minutes later the storm is over, and the next failure is told at once.
    assert!(rule.tick(at(181.0)).is_empty());
    assert_eq!(rule.hear(&failed(2_001), at(181.0)).len(), 1);
}

#[test]
fn storm_of_an_hour_is_told_less_and_less_often_and_completely() {
    let mut rule = Rule::new(RuleSettings::default());
    let (mut counts, mut times) = (Vec::new(), Vec::new());
    for second in 0..3_600 {
        for message in rule.hear(&failed(second), at(f64::from(second))) {
            counts.push(message.count());
            times.push(second);
        }
    }
    assert_eq!(times, [0, 60, 180, 420, 900, 1_800, 2_700]);
    let rest: u64 = rule.finish(at(3_600.0)).iter().map(Message::count).sum();
    assert_eq!(counts.iter().sum::<u64>() + rest, 3_600);
}

#[test]
fn same_run_and_execution_is_told_once_per_topic() {
    let mut rule = Rule::new(RuleSettings { events: Events::ALL, ..RuleSettings::default() });
    assert_eq!(rule.hear(&failed(1), at(0.0)).len(), 1);
    assert!(rule.hear(&failed(1), at(100.0)).is_empty());
    let told = rule.hear(&News::Failed(run(1, 2)), at(200.0));
    assert_eq!(words(told), ["Song 1 (execution 2) failed at RENDER: quota 1 exceeded"]);
    let slow = RunNews { cause: None, reason: None, ..run(1, 3) };
    let told = rule.hear(&News::Slow(slow.clone()), at(201.0));
    assert_eq!(words(told), ["Song 1 (execution 3) is slow: running for 1 min 1 s at RENDER"]);
    assert!(rule.hear(&News::Slow(slow.clone()), at(400.0)).is_empty());
    let recovered = RunNews { step: None, failed_before: 2, ..slow };
    let told = rule.hear(&News::Recovered(recovered), at(401.0));
    assert_eq!(words(told), ["Song 1 (execution 3) finished in 1:01 after 2 failures"]);
}

#[test]
fn outage_is_told_once_and_its_end_once_however_often_the_backend_comes_and_goes() {
    let mut rule = Rule::new(RuleSettings::default());
    let mut told = Vec::new();
    told.extend(rule.hear(&lost(), at(0.0)));
    told.extend(rule.tick(at(29.9)));
    assert!(told.is_empty());
    let told = rule.tick(at(30.0));
    assert_eq!(words(told), ["The backend has been lost for 30 s: refused"]);
    for second in [40.0, 60.0, 80.0] {
        assert!(rule.hear(&up(), at(second)).is_empty());
        assert!(rule.hear(&lost(), at(second + 14.0)).is_empty());
    }
    assert!(rule.hear(&up(), at(100.0)).is_empty());
    assert!(rule.tick(at(114.9)).is_empty());
    assert_eq!(words(rule.tick(at(115.0))), ["The backend is back after 1 min 40 s"]);
    // A short loss is none.
    rule.hear(&lost(), at(200.0));
    rule.hear(&up(), at(229.0));
    assert!(rule.tick(at(400.0)).is_empty());
}

#[test]
fn quiet_hours_end_with_a_digest() {
    let mut rule =
        quiet(Events { failure: false, recovery: false, slow: false, backend_lost: false });
    // At 21:59:30, and from 22:00 on.
    assert_eq!(rule.hear(&failed(1), at(3_570.0)).len(), 1);
    for number in 2..=4 {
        assert!(rule.hear(&failed(number), at(3_600.0 + 600.0 * f64::from(number))).is_empty());
    }
    rule.hear(&lost(), at(7_000.0));
    rule.hear(&up(), at(7_720.0));
    assert!(rule.tick(at(35_999.0)).is_empty());
    let told = rule.tick(at(36_000.0));
    assert_eq!(told[0].count(), 4);
    assert_eq!(
        words(told),
        ["In the quiet hours 22:00–07:00: 3 runs failed (2 × RENDER: quota # exceeded; \
          1 × COMPOSE: timeout after # s); the backend was lost once; the backend is back after \
          12 min"]
    );
    assert!(rule.tick(at(36_100.0)).is_empty());
    assert_eq!(rule.hear(&failed(5), at(36_200.0)).len(), 1);
    // A night without news is not worth a message.
    assert!(rule.tick(at(36_000.0 + 86_400.0)).is_empty());
}

#[test]
fn urgent_events_are_told_in_quiet_hours_and_an_outage_that_lasts_is_in_the_digest() {
    let none = Events { failure: false, recovery: false, slow: false, backend_lost: false };
    let mut rule = quiet(Events { failure: true, ..none });
    assert_eq!(rule.hear(&failed(1), at(4_000.0)).len(), 1);
    rule.hear(&lost(), at(35_000.0));
    let told = rule.tick(at(35_100.0));
    assert!(told.is_empty(), "{told:?}");
    assert_eq!(
        words(rule.tick(at(36_000.0))),
        [
            "In the quiet hours 22:00–07:00: the backend was lost once; the backend has been lost for \
          16 min 40 s"
        ]
    );
    rule.hear(&up(), at(36_100.0));
    assert_eq!(words(rule.tick(at(36_200.0))), ["The backend is back after 18 min 20 s"]);
}

#[test]
fn events_that_are_not_wanted_are_not_told() {
    let none = Events { failure: false, recovery: false, slow: false, backend_lost: false };
    let mut rule = Rule::new(RuleSettings { events: none, ..RuleSettings::default() });
    for news in [failed(1), News::Recovered(run(1, 2)), News::Slow(run(2, 1)), lost()] {
        assert!(rule.hear(&news, at(0.0)).is_empty());
    }
    assert!(rule.finish(at(1_000.0)).is_empty());
}
