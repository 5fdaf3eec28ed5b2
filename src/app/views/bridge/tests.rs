//! Tests that the bridge can be read at every size, in every theme and with every reading: texts have
//! their least size, do not overlap, and stay in their panels.

use bevy::math::Vec2;

use super::*;
use crate::app::draw::Canvas;
use crate::app::state::link::Present;
use crate::app::theme::{Theme, size};
use crate::layout::CanvasSize;

/// Sizes of screens in pixels: landscape, 4K, wide, nearly square, portrait, narrow.
const SCREENS: [(f32, f32); 12] = [
    (1920.0, 1080.0),
    (3840.0, 2160.0),
    (1280.0, 720.0),
    (2560.0, 1080.0),
    (7680.0, 1080.0),
    (1600.0, 1200.0),
    (1351.0, 1080.0),
    (1349.0, 1080.0),
    (1080.0, 1350.0),
    (1080.0, 1920.0),
    (2160.0, 3840.0),
    (600.0, 1999.0),
];

fn words(rng: &mut fastrand::Rng, of: &[&str]) -> String {
    of[rng.usize(0..of.len())].to_owned()
}

/// Returns a connection in any state, with long and short texts.
fn random_light(rng: &mut fastrand::Rng) -> LightView {
    use Light::*;
    let states = [
        (Live, "LIVE"),
        (Live, "DEMO"),
        (NoNews, "NO NEWS"),
        (Polling, "POLLING"),
        (Polling, "DEMO"),
        (PollingInstead, "POLLING"),
        (Cut, "NO ANSWER"),
        (Cut, "NO BACKEND"),
        (Recording, "REPLAY"),
        (Ended, "REPLAY"),
        (Connecting, "connecting"),
        (Retrying, "RETRY 2 of 5"),
        (Retrying, "RETRY 1234"),
        (Retrying, "RETRY 100 of 100"),
        (Off, "OFFLINE"),
        (Off, "OFF"),
    ];
    let (state, word) = states[rng.usize(0..states.len())];
    let beside = match state {
        Live => words(rng, &["0 s ago", "29 s ago", ""]),
        Ended => "ended".to_owned(),
        _ => String::new(),
    };
    let below: &[&[&str]] = match state {
        Polling | PollingInstead => &[
            &[
                "every 2 s, news as of 21:14:07",
                "every 2 s, as of 21:14:07",
                "every 2 s, 21:14:07",
                "every 2 s",
            ],
            &[
                "every 65535 s, news as of 28 Nov 20:44:08",
                "every 65535 s, as of 28 Nov 20:44:08",
                "every 65535 s",
            ],
        ],
        Cut => &[&["for 12 s, news as of 21:14:07", "for 12 s, as of 21:14:07", "for 12 s"]],
        Retrying => &[
            &["next try in 3 s, silent for 12 s", "next try in 3 s"],
            &["next try in 3600 s, silent for 28 d 13 h", "next try in 3600 s"],
            &["trying now"],
        ],
        NoNews => &[&["connected, silent for 23 h 48 min", "silent for 23 h 48 min"]],
        Recording | Ended => &[&["of 28 Nov 20:44:08"]],
        Off => &[
            &["last data 59 min ago", "59 min ago"],
            &["last data 28 Nov 20:44:08", "28 Nov 20:44:08"],
            &["no data yet"],
        ],
        _ => &[&["news as of 21:14:07", "as of 21:14:07", "21:14:07"], &["no data yet"]],
    };
    let below = below[rng.usize(0..below.len())].iter().map(|text| (*text).to_owned()).collect();
    let source = words(
        rng,
        &[
            "studio-engine.local",
            "demo studio",
            "no source",
            "[2001:0db8:85a3:0000:0000:8a2e:0370:7334]:65535",
            "夜の灯台のスタジオ.example.jp",
        ],
    );
    let ticks = (0..light::TICKS).map(|_| rng.u32(0..200) * rng.u32(0..2)).collect();
    LightView {
        state,
        is_demo: word == "DEMO",
        word: word.to_owned(),
        beside,
        source,
        below,
        ticks,
        fresh: rng.bool(),
        present: Present::Live,
        live_is_lost: false,
    }
}

fn random_view(rng: &mut fastrand::Rng) -> BridgeView {
    let light = random_light(rng);
    BridgeView { readings: readings::random(rng, &light), light, transport: None }
}

/// Texts of the bridge with their places, drawn on a screen in a theme.
fn drawn(view: &BridgeView, screen: (f32, f32), theme: Theme) -> (Vec<(String, Rect)>, CanvasSize) {
    let canvas_size = CanvasSize::of_pixels(screen.0, screen.1);
    let mut canvas = Canvas::default();
    canvas.theme = theme;
    draw(canvas.redraw("bridge"), view, None, &canvas_size, 0.0);
    assert!(canvas.faults(canvas_size).is_empty(), "{:?}", canvas.faults(canvas_size));
    (canvas.words("bridge"), canvas_size)
}

fn overlap(a: &Rect, b: &Rect) -> bool {
    let slack = 0.5;
    a.x + slack < b.right()
        && b.x + slack < a.right()
        && a.y + slack < b.bottom()
        && b.y + slack < a.bottom()
}

#[test]
fn texts_stay_in_their_panels_and_apart() {
    let mut rng = fastrand::Rng::with_seed(1514);
    for case in 0..2_000 {
        let view = random_view(&mut rng);
        let screen = SCREENS[case % SCREENS.len()];
        let theme = Theme::ALL[rng.usize(0..Theme::ALL.len())];
        let (texts, canvas_size) = drawn(&view, screen, theme);
        let bridge = Bridge::of(&canvas_size);
        let panels: Vec<&Rect> = bridge.meters.iter().chain([&bridge.connection]).collect();
        for (index, (words, at)) in texts.iter().enumerate() {
            let inside = |panel: &&&Rect| {
                at.x >= panel.x
                    && at.right() <= panel.right() + 0.01
                    && at.y >= panel.y - 0.01
                    && at.bottom() <= panel.bottom() + 0.01
            };
            assert!(
                panels.iter().any(|panel| inside(&panel)),
                "case {case}, {screen:?}: {words:?} at {at:?} leaves its panel"
            );
            for (other, there) in &texts[..index] {
                assert!(
                    !overlap(at, there),
                    "case {case}, {screen:?}: {words:?} {at:?} over {other:?} {there:?}"
                );
            }
        }
        for reading in &view.readings {
            let count = texts.iter().filter(|(words, _)| *words == reading.value).count();
            assert!(count >= 1, "case {case}, {screen:?}: {:?} is not shown", reading.value);
        }
        assert!(texts.iter().any(|(words, _)| *words == view.light.word));
    }
}

/// Height of a line of type in relation to its size, as places of texts have it.
const LINE: f32 = 0.94;

#[test]
fn texts_have_their_least_size() {
    let mut rng = fastrand::Rng::with_seed(204);
    for case in 0..600 {
        let view = random_view(&mut rng);
        let screen = SCREENS[case % SCREENS.len()];
        let (texts, canvas_size) = drawn(&view, screen, Theme::Dark);
        let numerals: Vec<&String> =
            view.readings.iter().flat_map(|reading| &reading.scale.numerals).collect();
        // A text below the name shrinks only where its shortest form does not fit.
        let shortest = view.light.below.last();
        for (words, at) in &texts {
            let least =
                if numerals.contains(&words) { size::METER_SCALE } else { size::ESSENTIAL_MIN };
            let found = at.h / LINE / Bridge::of(&canvas_size).scale;
            let is_rare = Some(words) == shortest || words.starts_with("RETRY 1");
            assert!(
                found > least - 0.1 || is_rare,
                "case {case}, {screen:?}: {words:?} is {found} high"
            );
        }
    }
}

#[test]
fn captions_have_their_part_of_a_landscape_screens_height() {
    let mut rng = fastrand::Rng::with_seed(22);
    let view = random_view(&mut rng);
    let (texts, canvas_size) = drawn(&view, (1920.0, 1080.0), Theme::Dark);
    let part = |words: &str| {
        let (_, at) = texts.iter().find(|(found, _)| found == words).unwrap();
        at.h / LINE / canvas_size.height
    };
    for reading in &view.readings {
        let label =
            reading.label.iter().find(|label| texts.iter().any(|(found, _)| found == *label));
        assert!(part(label.unwrap()) >= 0.0203, "{label:?}");
    }
}

#[test]
fn portrait_has_small_dials_without_numerals_and_one_line() {
    let mut rng = fastrand::Rng::with_seed(3);
    let mut view = random_view(&mut rng);
    view.light.source = "studio".to_owned();
    let (texts, canvas_size) = drawn(&view, (1080.0, 1920.0), Theme::Dark);
    let bridge = Bridge::of(&canvas_size);
    let in_meters = texts.iter().filter(|(_, at)| at.y < bridge.connection.y).count();
    assert_eq!(in_meters, 8, "captions and values: {texts:?}");
    let middle = Vec2::new(0.0, bridge.connection.centre_y());
    for (words, at) in texts.iter().filter(|(_, at)| at.y > bridge.connection.y) {
        assert!(at.y < middle.y && middle.y < at.bottom(), "{words:?} stands on the line");
    }
}
