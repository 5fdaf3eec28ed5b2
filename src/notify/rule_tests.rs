use super::*;

fn at(second: i64) -> Timestamp {
    "2026-11-23T21:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_secs(second)
}

fn on(about: NotifyAbout) -> Notifier {
    Notifier::new(NotifySettings { about, ..NotifySettings::default() })
}

fn failed(title: &str, step: &str, cause: u64) -> News {
    let reason = format!("reason {cause}");
    News::Failed { title: title.to_owned(), step: Some(step.to_owned()), reason, cause }
}

/// Titles and texts that are told at a second, at a time of day that is not quiet.
fn told(notifier: &mut Notifier, second: i64) -> Vec<(String, String)> {
    let told = notifier.due(at(second), Time::constant(12, 0, 0, 0));
    told.into_iter().map(|told| (told.title, told.body)).collect()
}

fn said(title: &str, body: &str) -> (String, String) {
    (title.to_owned(), body.to_owned())
}

#[test]
fn nothing_is_told_by_default_of_a_recording_or_while_the_past_is_shown() {
    let mut off = Notifier::default();
    off.add(failed("A", "COMPOSE", 1), Watching::Live, at(0));
    off.connection(Some(true), "studio", at(0));
    assert_eq!(told(&mut off, 60), []);
    let mut notifier = on(NotifyAbout::All);
    notifier.add(failed("A", "COMPOSE", 1), Watching::Recording, at(0));
    notifier.add(failed("B", "COMPOSE", 1), Watching::Past, at(0));
    assert_eq!(notifier.due_in(at(0)), None);
    assert_eq!(told(&mut notifier, 60), []);
}

#[test]
fn failures_of_one_step_and_cause_within_a_minute_are_one_notification() {
    let mut notifier = on(NotifyAbout::Failures);
    notifier.add(failed("Glass Harbour", "COMPOSE", 1), Watching::Live, at(0));
    assert_eq!(notifier.due_in(at(1)), Some(SignedDuration::from_secs(2)));
    assert_eq!(told(&mut notifier, 2), [], "more of them may come");
    notifier.add(failed("Undertow", "COMPOSE", 1), Watching::Live, at(2));
    notifier.add(failed("Neon Rain", "COMPOSE", 1), Watching::Live, at(2));
    notifier.add(failed("Kite Season", "RENDER", 1), Watching::Live, at(2));
    let names = "reason 1: Glass Harbour, Undertow, Neon Rain";
    assert_eq!(told(&mut notifier, 3), [said("3 songs failed at COMPOSE", names)]);
    assert_eq!(told(&mut notifier, 5), [said("Kite Season failed at RENDER", "reason 1")]);
    // Those that come later are told once, in place of the first notification.
    let number = notifier.groups[0].number;
    for second in 10..50 {
        notifier.add(failed("Another", "COMPOSE", 1), Watching::Live, at(second));
        assert_eq!(told(&mut notifier, second), []);
    }
    let later = notifier.due(at(60), Time::constant(12, 0, 0, 0));
    assert_eq!(later.len(), 1);
    assert_eq!((later[0].number, later[0].title.as_str()), (number, "43 songs failed at COMPOSE"));
    assert!(later[0].body.ends_with("Neon Rain and 40 more"), "{}", later[0].body);
    assert_eq!(told(&mut notifier, 61), []);
    // After a minute it is news again.
    notifier.add(failed("Late", "COMPOSE", 1), Watching::Live, at(61));
    assert_eq!(told(&mut notifier, 64), [said("Late failed at COMPOSE", "reason 1")]);
}

#[test]
fn recovery_is_told_only_where_all_is_wanted() {
    let news = || News::Recovered { title: "Glass Harbour".to_owned() };
    let mut failures = on(NotifyAbout::Failures);
    failures.add(news(), Watching::Live, at(0));
    assert_eq!(told(&mut failures, 10), []);
    let mut all = on(NotifyAbout::All);
    all.add(news(), Watching::Live, at(0));
    assert_eq!(told(&mut all, 0), [said("Glass Harbour finished", "The previous run failed.")]);
    assert_eq!(told(&mut all, 1), []);
}

#[test]
fn backend_is_lost_after_ten_seconds_and_told_once() {
    let mut notifier = on(NotifyAbout::All);
    notifier.connection(Some(true), "studio", at(0));
    notifier.connection(Some(false), "studio", at(9));
    assert_eq!(told(&mut notifier, 20), [], "it was back soon");
    notifier.connection(Some(true), "studio", at(100));
    assert_eq!(notifier.due_in(at(104)), Some(SignedDuration::from_secs(6)));
    assert_eq!(told(&mut notifier, 109), []);
    let lost = notifier.due(at(110), Time::constant(12, 0, 0, 0));
    assert_eq!(
        (lost.len(), lost[0].title.as_str(), lost[0].is_bad),
        (1, "Connection to studio lost", true)
    );
    notifier.connection(Some(true), "studio", at(150));
    assert_eq!(told(&mut notifier, 150), []);
    notifier.connection(Some(false), "studio", at(165));
    let back = notifier.due(at(165), Time::constant(12, 0, 0, 0));
    assert_eq!(back[0].number, lost[0].number, "it takes the place of the loss");
    assert_eq!(back[0].title, "studio is connected again");
    assert_eq!(back[0].body, "It was lost for 1:05.");
    // Who disconnects knows.
    notifier.connection(Some(true), "studio", at(200));
    notifier.connection(None, "studio", at(205));
    assert_eq!(told(&mut notifier, 300), []);
}

#[test]
fn quiet_hours_are_summed_up_after_them() {
    let quiet = Some("22:00-07:00".parse().unwrap());
    let settings = NotifySettings { about: NotifyAbout::All, sound: true, quiet };
    let mut notifier = Notifier::new(settings);
    let night = Time::constant(3, 0, 0, 0);
    for (second, cause) in [(0, 1), (10, 1), (20, 2)] {
        notifier.add(failed("A", "COMPOSE", cause), Watching::Live, at(second));
    }
    notifier.add(News::Recovered { title: "A".to_owned() }, Watching::Live, at(30));
    notifier.connection(Some(true), "studio", at(40));
    for second in [0, 5, 25, 50, 80] {
        assert_eq!(notifier.due(at(second), night), [], "{second}");
    }
    let morning = notifier.due(at(100), Time::constant(7, 0, 0, 0));
    let said: Vec<(&str, &str)> =
        morning.iter().map(|told| (told.title.as_str(), told.body.as_str())).collect();
    let counted = "3 runs failed, 1 song recovered, 1 loss of the backend.";
    assert_eq!(said, [("During the quiet hours", counted)]);
    assert!(!morning[0].has_sound);
    assert_eq!(notifier.due(at(101), Time::constant(7, 0, 1, 0)), []);
    // A night without news ends without a word.
    assert_eq!(notifier.due(at(200), night), []);
    assert_eq!(notifier.due(at(300), Time::constant(7, 0, 0, 0)), []);
}

#[test]
fn what_is_pending_when_quiet_hours_begin_is_summed_up_with_them() {
    let quiet = Some("22:00-07:00".parse().unwrap());
    let mut notifier =
        Notifier::new(NotifySettings { about: NotifyAbout::All, sound: false, quiet });
    for cause in 0..8 {
        notifier.add(failed("A", "COMPOSE", cause), Watching::Live, at(0));
    }
    assert_eq!(notifier.due(at(3), Time::constant(21, 59, 59, 0)).len(), 5);
    assert_eq!(notifier.due(at(4), Time::constant(22, 0, 0, 0)), []);
    let morning = notifier.due(at(32_404), Time::constant(7, 0, 0, 0));
    let said: Vec<(&str, &str)> =
        morning.iter().map(|told| (told.title.as_str(), told.body.as_str())).collect();
    assert_eq!(said, [("During the quiet hours", "3 runs failed.")]);
}

#[test]
fn flood_of_causes_is_counted_beyond_five_in_a_minute() {
    let mut notifier = on(NotifyAbout::Failures);
    for cause in 0..40 {
        notifier.add(failed("A", "COMPOSE", cause), Watching::Live, at(0));
    }
    assert_eq!(told(&mut notifier, 3).len(), 5);
    assert_eq!(told(&mut notifier, 30), []);
    assert_eq!(told(&mut notifier, 63), [said("More in the last minute", "35 runs failed.")]);
    assert_eq!(told(&mut notifier, 64), []);
}

#[test]
fn sound_is_for_what_went_wrong_and_only_once() {
    let settings = NotifySettings { about: NotifyAbout::All, sound: true, quiet: None };
    let mut notifier = Notifier::new(settings);
    let mut sounds = |news: Option<News>, second: i64| {
        if let Some(news) = news {
            notifier.add(news, Watching::Live, at(second));
        }
        let due = notifier.due(at(second), Time::constant(12, 0, 0, 0));
        due.into_iter().map(|told| told.has_sound).collect::<Vec<_>>()
    };
    assert_eq!(sounds(Some(News::Recovered { title: "A".to_owned() }), 0), [false]);
    assert!(sounds(Some(failed("A", "COMPOSE", 1)), 1).is_empty());
    assert_eq!(sounds(None, 4), [true]);
    assert!(sounds(Some(failed("B", "COMPOSE", 1)), 20).is_empty());
    assert_eq!(sounds(None, 61), [false], "it only brings the first one up to date");
}

#[test]
fn text_of_others_is_cleaned_and_short() {
    let mut notifier = on(NotifyAbout::Failures);
    let title = format!("A\u{202e}\n{}", "long ".repeat(400));
    let reason = "Traceback\n\u{1b}[31m".repeat(99);
    notifier.add(News::Failed { title, step: None, reason, cause: 1 }, Watching::Live, at(0));
    let said = told(&mut notifier, 3);
    assert!(said[0].0.len() < 200 && said[0].1.len() < 200, "{said:?}");
    assert!(!said[0].0.contains(['\n', '\u{202e}']) && !said[0].1.contains('\u{1b}'), "{said:?}");
    assert!(said[0].0.ends_with(" failed"));
}

#[test]
fn word_without_an_end_is_cut_off() {
    let mut notifier = on(NotifyAbout::Failures);
    let url = format!("https://backend.local/{}", "ä".repeat(5_000));
    let (title, step, reason) = (url.clone(), Some(url.clone()), url);
    notifier.add(News::Failed { title, step, reason, cause: 1 }, Watching::Live, at(0));
    let (title, body) = told(&mut notifier, 3).remove(0);
    assert!(title.chars().count() < 300, "{title}");
    assert_eq!(body.chars().count(), LONGEST + 1, "{body}");
    assert!(body.starts_with("https://backend.local/ä") && body.ends_with('…'), "{body}");
}

#[test]
fn another_source_begins_without_the_news_of_the_one_before() {
    let mut notifier = on(NotifyAbout::All);
    notifier.add(failed("A", "COMPOSE", 1), Watching::Live, at(0));
    notifier.connection(Some(true), "studio", at(0));
    notifier.forget();
    assert_eq!(told(&mut notifier, 60), []);
}
