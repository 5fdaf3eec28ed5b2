//! Tests that all displays show the same numbers in each frame, and that a still picture is settled.

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::app::state::free_space::FreeSpace;
use crate::app::state::hit::{Buttons, Scrub};
use crate::app::state::rewind::PastChanged;
use crate::app::state::run_store::EventReceived;
use crate::app::state::view::View;
use crate::app::state::viewport::Zoom;
use crate::app::views::{chrome, counts};
use crate::config::Settings;
use crate::model::{Retention, RunStatus};
use crate::protocol::{Batch, PIPELINE};

fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// Returns an app with wall, bridge and a clock that runs, without a renderer.
fn app(clock: PlaybackClock) -> App {
    let mut app = App::new();
    app.insert_resource(RunStore::new(Retention::default()))
        .insert_resource(Link::new(&Settings::default(), None))
        .insert_resource(clock)
        .insert_resource(DrawClock { secs: 100.0, follow_real_time: false })
        .insert_resource(View::Wall)
        .init_resource::<Canvas>()
        .init_resource::<Pickable>()
        .init_resource::<HintAreas>()
        .init_resource::<WallMemory>()
        .init_resource::<WallIndexState>()
        .init_resource::<RunCounts>()
        .init_resource::<Selection>()
        .init_resource::<ReducedMotion>()
        .init_resource::<Viewport>()
        .init_resource::<Zoom>()
        .init_resource::<Theme>()
        .init_resource::<FreeSpace>()
        .init_resource::<ViewChrome>()
        .init_resource::<NextFrame>()
        .init_resource::<Buttons>()
        .init_resource::<Scrub>()
        .add_message::<EventReceived>()
        .add_message::<PastChanged>()
        .add_systems(Update, (sync_wall_index, counts::count_runs, chrome::draw, draw).chain());
    set_time(&mut app, noon());
    app
}

fn set_time(app: &mut App, now: Timestamp) {
    let mut clock = app.world_mut().resource_mut::<PlaybackClock>();
    (clock.now, clock.live_now, clock.server_now) = (now, now, now);
}

fn now(app: &App) -> Timestamp {
    app.world().resource::<PlaybackClock>().now
}

/// Receives an event of a run, `ago` before now.
fn receive(app: &mut App, run: u32, node: Option<&str>, phase: &str, ago: SignedDuration) {
    receive_of_song(app, run, None, node, phase, ago);
}

/// Receives such an event of a run of this song.
fn receive_of_song(
    app: &mut App,
    run: u32,
    song: Option<u32>,
    node: Option<&str>,
    phase: &str,
    ago: SignedDuration,
) {
    let at = now(app) - ago;
    let node = node.map_or_else(String::new, |node| format!(r#""node_name":"{node}","#));
    let mut batch = Batch::new(now(app), true);
    let data =
        song.map_or_else(String::new, |song| format!(r#","data":{{"song_id":"song-{song}"}}"#));
    batch.push_text(&format!(
        r#"{{"ts":"{at}","run_id":"run-{run}",{node}"phase":"{phase}"{data}}}"#
    ));
    let mut changes = Vec::new();
    let mut run_store = app.world_mut().resource_mut::<RunStore>();
    run_store.receive(batch, |event, change| changes.push((event.cloned(), change)));
    for (event, change) in changes {
        app.world_mut().write_message(EventReceived { event, change, live: true });
    }
}

/// Numbers of a display: running, failed, completed, cancelled; `None` where it does not show one.
type Numbers = [Option<usize>; 4];

/// Numbers of the header, of the board or the failures block, and of the meters.
fn shown(app: &App) -> [Numbers; 3] {
    let memory = app.world().resource::<WallMemory>();
    let header = &memory.head.as_ref().unwrap().0;
    let number = |word: &str| {
        let count = header.counts().find(|count| count.words.starts_with(word));
        count.map_or(0, |count| count.number.replace(',', "").parse().unwrap())
    };
    let header = ["running", "failed", "finished", "cancelled"].map(|word| Some(number(word)));
    let board = match (&memory.plan, memory.board.view()) {
        (Some(Plan::Board), Some(board)) => {
            [board.active, board.failures.count, board.finished, board.cancelled].map(Some)
        }
        _ => [None, memory.failures.drawn().map(|view| view.failures.count), None, None],
    };
    let meters = &app.world().resource::<ViewChrome>().bridge().unwrap().readings;
    let note: Vec<&str> = meters[2].note[0].split(' ').collect();
    let (failed, completed) = match note[..] {
        [failed, "of", ended, "failed"] => {
            let [failed, ended] = [failed, ended].map(|n| n.parse::<usize>().unwrap());
            (failed, Some(ended - failed))
        }
        _ => (0, Some(0)),
    };
    let meters = [Some(meters[1].value.parse().unwrap()), Some(failed), completed, None];
    [header, board, meters]
}

#[track_caller]
fn assert_same_numbers(app: &App, what: &str) {
    let [header, board, meters] = shown(app);
    for (place, name) in ["running", "failed", "finished", "cancelled"].iter().enumerate() {
        for other in [board, meters] {
            let same = other[place].is_none_or(|number| header[place] == Some(number));
            assert!(same, "{what}: {name} of {header:?} (header), {board:?} (board), {meters:?}");
        }
    }
}

/// Numbers counted from all runs of the model.
fn counted(app: &App) -> Numbers {
    let model = &app.world().resource::<RunStore>().model;
    let since = now(app) - SignedDuration::from_hours(1);
    let ended = |status| {
        let runs = model.runs().filter(|run| run.status == status);
        Some(runs.filter(|run| run.ended_at.is_some_and(|at| at >= since)).count())
    };
    let active = model.runs().filter(|run| run.status == RunStatus::Running).count();
    let [failed, completed, cancelled] =
        [RunStatus::Failed, RunStatus::Completed, RunStatus::Cancelled].map(ended);
    [Some(active), failed, completed, cancelled]
}

/// Sends random events, lets random times pass, and compares all displays in each frame.
fn compare_in_each_frame(running: u32, frames: u32, seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut app = app(PlaybackClock::default());
    for run in 0..running {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(5));
    }
    let mut next_run = running;
    for frame in 0..frames {
        for _ in 0..random.u32(0..4) {
            // Some ends are late, some ahead of the clock, and some end what was over.
            let ago = SignedDuration::from_millis(random.i64(-90_000..4_000_000));
            let ago = if random.bool() { SignedDuration::ZERO } else { ago };
            let run = random.u32(0..next_run.max(1));
            match random.u8(0..6) {
                0 => receive(&mut app, run, None, "fail", ago),
                1 => receive(&mut app, run, None, "end", ago),
                2 => {
                    let node = PIPELINE[random.usize(0..PIPELINE.len())];
                    receive(&mut app, run, Some(node), "progress", ago);
                }
                _ => {
                    receive(&mut app, next_run, None, "start", ago);
                    next_run += 1;
                }
            }
        }
        let passed = [16, 40, 300, 1_000, 400_000][random.usize(0..5)];
        let later = now(&app) + SignedDuration::from_millis(passed);
        set_time(&mut app, later);
        app.world_mut().resource_mut::<DrawClock>().secs += random.f64() * 0.2;
        app.update();
        assert_same_numbers(&app, &format!("frame {frame}"));
        if frame % 10 == 0 {
            // Numbers that were held back are shown a moment later.
            app.world_mut().resource_mut::<DrawClock>().secs += 1.0;
            app.update();
            assert_same_numbers(&app, &format!("frame {frame}, later"));
            assert_eq!(shown(&app)[0], counted(&app), "frame {frame}");
        }
    }
}

#[test]
fn header_board_and_meters_show_the_same_numbers_in_each_frame() {
    compare_in_each_frame(400, 150, 11);
}

#[test]
fn header_failures_and_meters_show_the_same_numbers_beside_tiles() {
    compare_in_each_frame(3, 400, 12);
}

/// Numbers in the words about runs without a place: "+5 more running", "and 29 more finished".
fn numbers_in_words(memory: &WallMemory) -> More {
    let mut words: Vec<String> = memory.notes.iter().map(|(.., words)| words.clone()).collect();
    words.extend(memory.label.iter().map(|(words, _)| words.clone()));
    let frame = memory.frame.iter().flat_map(|frame| frame.words());
    words.extend(frame.map(str::to_owned));
    let mut told = More::default();
    let each = words.iter().flat_map(|words| words.split(", "));
    for words in each.filter(|words| !words.is_empty()) {
        let digits: String = words.chars().filter(char::is_ascii_digit).collect();
        let number: usize = digits.parse().unwrap();
        let of = match words.rsplit(' ').next().unwrap() {
            "running" => &mut told.running,
            "queued" => &mut told.queued,
            "failed" => &mut told.failed,
            "cancelled" => &mut told.cancelled,
            "finished" => &mut told.completed,
            other => panic!("{other}"),
        };
        *of += number;
    }
    told
}

/// Asserts that cards and the words about others add up to the numbers of the header.
#[track_caller]
fn assert_cards_add_up(app: &App, what: &str) {
    let memory = app.world().resource::<WallMemory>();
    let Some(Plan::Runs(places)) = &memory.plan else {
        return;
    };
    let model = &app.world().resource::<RunStore>().model;
    let since = now(app) - SignedDuration::from_hours(1);
    let mut cards = More::default();
    let shared =
        places.groups.iter().flat_map(|group| group.runs.iter().filter(|id| **id != group.leader));
    for id in places.runs.iter().map(|placed| &placed.id).chain(shared) {
        let run = model.run(id).unwrap();
        if run.counted_end().is_none_or(|at| at >= since) {
            cards.count(run.status);
        }
    }
    let told = numbers_in_words(memory);
    let counts = app.world().resource::<RunCounts>();
    let block = {
        let block = memory.failures.drawn().map(|view| view.failures.count);
        block.or(memory.slab.drawn().map(SlabView::count))
    };
    let failed = block.unwrap_or(cards.failed + told.failed);
    // Running and queued runs take every row before the ended ones are counted in words.
    let is_full = places.rows.as_ref().is_some_and(|layout| {
        let ended = [Kind::Cancelled, Kind::Failed, Kind::Finished];
        let alive = places.runs.iter().filter(|placed| !ended.contains(&placed.kind)).count();
        let lines = places.lines.iter().filter(|(line, _)| *line != Line::Ended).count();
        alive + lines >= layout.capacity()
    });
    let sums = [
        cards.running + told.running,
        cards.queued + told.queued,
        cards.cancelled + told.cancelled,
        cards.completed + told.completed,
        failed,
    ];
    let header = [counts.active, counts.queued, counts.cancelled, counts.completed, counts.failed];
    let told_of = |numbers: [usize; 5]| match is_full {
        true => [numbers[0], 0, 0, 0, 0],
        false => numbers,
    };
    assert_eq!(told_of(sums), told_of(header), "{what}: {cards:?} {told:?} {:?}", places.level);
}

/// Lets a studio of this size live, and compares cards and header in each settled frame. Returns the
/// frames in which runs had rows.
fn add_up_in_each_frame(running: u32, frames: u32, seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut app = app(PlaybackClock::default());
    for run in 0..running {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(5));
    }
    let (mut next_run, mut rows) = (running, 0);
    for frame in 0..frames {
        for _ in 0..random.u32(0..3) {
            let run = random.u32(next_run.saturating_sub(running + 4)..next_run.max(1));
            let zero = SignedDuration::ZERO;
            let model = &app.world().resource::<RunStore>().model;
            let alive = model.count(RunStatus::Running) + model.count(RunStatus::Pending);
            // Few songs, so that failed ones are retried.
            let receive = |app: &mut App, run, node, phase, ago| {
                receive_of_song(app, run, Some(run % 5), node, phase, ago);
            };
            // About as many runs as at first.
            let kinds = if alive < running as usize + 4 { 12 } else { 6 };
            match random.u8(0..kinds) {
                0 => receive(&mut app, run, None, "fail", zero),
                1 => receive(&mut app, run, None, "cancelled", zero),
                2..=5 => receive(&mut app, run, None, "end", zero),
                6 => {
                    receive(&mut app, next_run, None, "info", zero);
                    next_run += 1;
                }
                _ => {
                    receive(&mut app, next_run, Some("PLAN"), "start", zero);
                    next_run += 1;
                }
            }
        }
        let passed = [16, 300, 1_000, 5_000, 60_000][random.usize(0..5)];
        let later = now(&app) + SignedDuration::from_millis(passed);
        set_time(&mut app, later);
        // Numbers of the header are held back for a quarter of a second.
        app.world_mut().resource_mut::<DrawClock>().secs += 0.26 + random.f64() * 2.0;
        app.update();
        assert_cards_add_up(&app, &format!("seed {seed}, frame {frame}"));
        let memory = app.world().resource::<WallMemory>();
        let plan = memory.plan.as_ref().unwrap();
        assert!(!plan.hides_running(&app.world().resource::<WallIndexState>().wall_index));
        rows += usize::from(plan.places().is_some_and(|places| places.rows.is_some()));
    }
    rows
}

#[test]
fn cards_and_words_about_others_add_up_to_the_header() {
    add_up_in_each_frame(4, 250, 3);
    add_up_in_each_frame(10, 250, 4);
    assert!(add_up_in_each_frame(30, 250, 5) > 100);
    assert!(add_up_in_each_frame(44, 150, 6) > 20);
}

#[test]
fn order_waits_5_s_but_a_running_run_has_a_place_at_once() {
    let mut app = app(PlaybackClock::default());
    for run in 0..14 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(60));
    }
    for run in 100..120 {
        receive(&mut app, run, None, "end", SignedDuration::from_secs(60));
    }
    let draw = placed_after;
    draw(&mut app, 0.1);
    // The first order is taken when the wall has settled.
    receive(&mut app, 0, None, "end", SignedDuration::ZERO);
    let before = draw(&mut app, 20.0);
    assert_eq!(before.iter().position(|id| id == "run-0"), Some(13), "among the finished ones");
    receive(&mut app, 1, None, "end", SignedDuration::ZERO);
    assert_eq!(draw(&mut app, 1.0), before, "a run that ends stays for now");
    receive(&mut app, 50, Some("PLAN"), "start", SignedDuration::ZERO);
    let with_new = draw(&mut app, 1.0);
    let new = with_new.iter().position(|id| id == "run-50");
    assert_eq!(new, Some(13), "behind the running ones");
    assert_eq!(with_new[..13], before[..13], "no other moved");
    let after = draw(&mut app, 3.5);
    let ended = after.iter().position(|id| id == "run-1");
    assert!(ended.is_some_and(|at| at >= 13), "{after:?}");
}

#[test]
fn run_that_ends_gives_its_row_at_once_to_a_running_one_without_a_place() {
    let mut app = app(PlaybackClock::default());
    for run in 0..50 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(60));
    }
    let draw = |app: &mut App, secs: f64| {
        let placed = placed_after(app, secs);
        let memory = app.world().resource::<WallMemory>();
        assert!(memory.plan.as_ref().and_then(Plan::places).unwrap().overflows());
        placed
    };
    draw(&mut app, 0.1);
    let before = draw(&mut app, 20.0);
    receive(&mut app, 1, None, "end", SignedDuration::ZERO);
    receive(&mut app, 2, None, "end", SignedDuration::ZERO);
    let after = draw(&mut app, 1.0);
    let is_over = |id: &String| ["run-1", "run-2"].contains(&id.as_str());
    assert!(before.iter().any(is_over) && !after.iter().any(is_over), "{after:?}");
    let model = &app.world().resource::<RunStore>().model;
    let running = |id: &String| model.run(id).is_some_and(|run| run.status == RunStatus::Running);
    assert!(after.iter().all(running), "{after:?}");
    assert!(after.len() + 1 >= before.len(), "one row at most for those that ended");
}

/// Places of an app that drew `secs` later.
fn placed_after(app: &mut App, secs: f64) -> Vec<String> {
    app.world_mut().resource_mut::<DrawClock>().secs += secs;
    let later = now(app) + SignedDuration::from_millis((secs * 1_000.0) as i64);
    set_time(app, later);
    app.update();
    let memory = app.world().resource::<WallMemory>();
    let places = memory.plan.as_ref().and_then(Plan::places).unwrap();
    places.runs.iter().map(|placed| placed.id.to_string()).collect()
}

#[test]
fn tile_of_a_run_that_ends_goes_at_once_to_a_running_one_without_a_place() {
    let mut app = app(PlaybackClock::default());
    for run in 0..6 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(60));
    }
    placed_after(&mut app, 0.1);
    let before = placed_after(&mut app, 20.0);
    assert_eq!(before.len(), 6);
    receive(&mut app, 1, None, "end", SignedDuration::ZERO);
    receive(&mut app, 6, Some("PLAN"), "start", SignedDuration::ZERO);
    let after = placed_after(&mut app, 1.0);
    assert!(after.iter().any(|id| id == "run-6"), "{after:?}");
}

#[test]
fn slab_names_its_cause_until_it_goes() {
    let mut app = app(PlaybackClock::default());
    for run in 0..14 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(20));
    }
    receive(&mut app, 20, Some("RENDER"), "start", SignedDuration::from_secs(20));
    receive(&mut app, 20, Some("RENDER"), "fail", SignedDuration::ZERO);
    receive(&mut app, 20, None, "fail", SignedDuration::ZERO);
    placed_after(&mut app, 20.0);
    let cause = |app: &App| {
        let memory = app.world().resource::<WallMemory>();
        memory.slab.drawn().and_then(|slab| Some(slab.causes().next()?.0.to_owned()))
    };
    assert_eq!(cause(&app).as_deref(), Some("RENDER failed"));
    let mut frames = 0;
    for _ in 0..340 {
        placed_after(&mut app, 0.5);
        frames += usize::from(cause(&app).is_some());
        assert!(cause(&app).is_none_or(|cause| cause == "RENDER failed"));
    }
    assert!((315..=335).contains(&frames), "gone after 3 min: {frames}");
}

#[test]
fn each_cause_that_is_news_has_a_slab_and_the_rest_is_counted_beside_them() {
    let mut app = app(PlaybackClock::default());
    for run in 0..14 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(20));
    }
    for (run, node) in [(20, "RENDER"), (21, "RENDER"), (22, "LYRICS"), (23, "STYLE"), (24, "PLAN")]
    {
        receive(&mut app, run, Some(node), "start", SignedDuration::from_secs(20));
        receive(&mut app, run, Some(node), "fail", SignedDuration::ZERO);
        receive(&mut app, run, None, "fail", SignedDuration::ZERO);
        placed_after(&mut app, 1.0);
    }
    placed_after(&mut app, 10.0);
    let memory = app.world().resource::<WallMemory>();
    let slab = memory.slab.drawn().unwrap();
    let headlines: Vec<&str> = slab.causes().map(|(headline, _)| headline).collect();
    assert_eq!(headlines, ["PLAN failed", "STYLE failed", "LYRICS failed"]);
    assert_eq!((slab.count(), slab.more()), (5, Some(2)), "two RENDER failures have no slab");
    let words = app.world().resource::<Canvas>().words("wall slab");
    let place = |wanted: &str| words.iter().find(|(words, _)| words == wanted).map(|(_, at)| *at);
    let last = place("LYRICS failed").unwrap();
    assert!(place("2 more").unwrap().x > last.right(), "{words:?}");
    assert!(place("failures").is_some() && !words.iter().any(|(words, _)| words.contains("other")));
}

/// Texts of the runs' tiles or rows, of which one failed with this reason four minutes ago.
fn words_beside_a_failure(running: u32, reason: &str) -> Vec<String> {
    let mut app = app(PlaybackClock::default());
    receive(&mut app, 99, Some("RENDER"), "start", SignedDuration::from_secs(260));
    let at = now(&app) - SignedDuration::from_secs(240);
    for node in [r#""node_name":"RENDER","#, ""] {
        let mut batch = Batch::new(now(&app), true);
        batch.push_text(&format!(
            r#"{{"ts":"{at}","run_id":"run-99",{node}"phase":"fail","data":{{"error":"{reason}"}}}}"#
        ));
        app.world_mut().resource_mut::<RunStore>().receive(batch, |_, _| ());
    }
    for run in 0..running {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(20));
    }
    placed_after(&mut app, 20.0);
    let words = app.world().resource::<Canvas>().words("tile");
    words.into_iter().map(|(words, _)| words).collect()
}

#[test]
fn reason_of_a_failure_has_the_free_room_of_its_row_or_tile() {
    let words = words_beside_a_failure(20, "quota exceeded");
    assert!(words.iter().any(|it| it == "quota exceeded"), "{words:?}");
    let ages = words.iter().filter(|it| it.starts_with("4 min ago"));
    assert_eq!(
        ages.collect::<Vec<_>>(),
        ["4 min ago"],
        "the reason goes before its being not retried"
    );
    let words = words_beside_a_failure(7, "Engine queue rejected the job: quota exceeded");
    let lines = ["Engine queue rejected the", "job: quota exceeded"];
    assert!(lines.iter().all(|line| words.iter().any(|it| it == line)), "{words:?}");
    assert!(words.iter().any(|it| it == "not retried"), "{words:?}");
}

#[test]
fn numbers_held_back_are_shown_within_a_quarter_of_a_second() {
    let mut app = app(PlaybackClock::default());
    receive(&mut app, 1, None, "start", SignedDuration::ZERO);
    app.update();
    let active = |app: &App| shown(app).map(|numbers| numbers[0]);
    assert_eq!(active(&app), [Some(1), None, Some(1)]);
    receive(&mut app, 2, None, "start", SignedDuration::ZERO);
    app.world_mut().resource_mut::<DrawClock>().secs += 0.1;
    app.world_mut().resource_mut::<NextFrame>().0 = None;
    app.update();
    assert_eq!(active(&app), [Some(1), None, Some(1)], "held back");
    let wait = app.world().resource::<NextFrame>().0.unwrap().as_secs_f64();
    assert!(wait <= 0.16, "{wait}");
    app.world_mut().resource_mut::<DrawClock>().secs += wait;
    app.update();
    assert_eq!(active(&app), [Some(2), None, Some(2)]);
}

#[test]
fn still_picture_is_settled_in_its_first_frame() {
    let mut app = app(PlaybackClock::fixed(noon()));
    for run in 0..6 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(5));
    }
    receive(&mut app, 0, None, "fail", SignedDuration::ZERO);
    app.update();
    let now = app.world().resource::<DrawClock>().secs;
    assert!(!app.world().resource::<WallMemory>().moves.is_moving(now));
    assert_same_numbers(&app, "first frame");
}

#[test]
fn stopped_clock_settles_tiles_in_motion() {
    let mut app = app(PlaybackClock::default());
    for run in 0..6 {
        receive(&mut app, run, Some("PLAN"), "start", SignedDuration::from_secs(60));
    }
    app.update();
    app.world_mut().resource_mut::<DrawClock>().secs += 60.0;
    for run in [0, 2, 3] {
        receive(&mut app, run, None, "fail", SignedDuration::ZERO);
    }
    receive(&mut app, 9, Some("PLAN"), "start", SignedDuration::ZERO);
    let later = now(&app) + SignedDuration::from_secs(60);
    set_time(&mut app, later);
    app.update();
    let secs = app.world().resource::<DrawClock>().secs;
    let is_moving = |app: &App, secs| app.world().resource::<WallMemory>().moves.is_moving(secs);
    assert!(is_moving(&app, secs), "tiles change places");
    app.world_mut().resource_mut::<PlaybackClock>().stop();
    app.world_mut().resource_mut::<DrawClock>().secs += 5.0;
    app.update();
    assert!(!is_moving(&app, secs + 5.0));
    let drawn = app.world().resource::<Canvas>().generation();
    app.update();
    assert_eq!(app.world().resource::<Canvas>().generation(), drawn, "nothing is left to draw");
}
