//! A stand-in backend, NATS servers, hubs and screens, and the check that all screens show the truth.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::time::sleep;
use uuid::Uuid;

use crate::backend::{Backend, Script, Truth};
use crate::hubs::HubProcess;
use crate::nats::Nats;
use crate::screen::Screen;

/// Time after a fault within which all screens show the truth.
pub const RECOVERY: Duration = Duration::from_secs(15);

/// Time for three servers and hubs to start, on a machine that does much else.
const START: Duration = Duration::from_secs(40);

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(50);

pub struct Scene {
    pub backend: Backend,
    pub upstream: String,
    pub nats: Nats,
    pub hubs: Vec<HubProcess>,
    pub screens: Vec<Screen>,
    pub runs: Vec<Uuid>,
}

impl Scene {
    /// Starts three hubs with a screen each; `addresses` are the servers of each hub, by default all.
    pub async fn start(nats: Nats, addresses: impl Fn(usize, &Nats) -> String) -> Self {
        let backend = Backend::begun_at(Timestamp::now());
        let upstream = format!("http://{}", backend.listen().await);
        let replicas = nats.count();
        let mut scene = Self {
            backend,
            upstream,
            nats,
            hubs: Vec::new(),
            screens: Vec::new(),
            runs: Vec::new(),
        };
        for nth in 0..3 {
            let addresses = addresses(nth, &scene.nats);
            let hub = HubProcess::start(scene.upstream.clone(), addresses, replicas).await;
            scene.hubs.push(hub);
        }
        for nth in 0..3 {
            scene.add_screen(nth);
        }
        scene.begin_runs();
        scene
            .until("the first runs are shown", START, |scene| scene.differences().is_empty())
            .await;
        scene
    }

    /// Connects a screen to a hub; the other hubs are those it goes to when that one is gone.
    pub fn add_screen(&mut self, nth: usize) {
        let mut urls: Vec<String> = self.hubs.iter().map(HubProcess::events_url).collect();
        urls.rotate_left(nth);
        self.screens.push(Screen::of(urls));
    }

    /// Begins runs: a short, a long, a failing one, and one with a fix pass.
    pub fn begin_runs(&mut self) {
        for script in [
            Script::success(60),
            Script::success(1_500),
            Script::failing("COMPOSE", "boom", 200),
            Script::with_fixes(1, 150),
        ] {
            self.runs.push(self.backend.start_run([script]));
        }
    }

    /// Returns the hub that says that it watches the backend.
    pub async fn holder(&self) -> usize {
        let began = Instant::now();
        loop {
            for (nth, hub) in self.hubs.iter().enumerate() {
                if hub.is_watching().await {
                    return nth;
                }
            }
            assert!(began.elapsed() < START, "no hub watches");
            sleep(LOOK).await;
        }
    }

    /// Differences of all screens from the truth.
    pub fn differences(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (nth, screen) in self.screens.iter().enumerate() {
            let reports = screen.runs();
            for run in &self.runs {
                let report = reports.iter().find(|it| it.run_id == run.to_string());
                let wrong = match report {
                    None => vec!["it is not shown".to_owned()],
                    Some(report) => Truth::of(&self.backend, *run).differences(report),
                };
                all.extend(wrong.into_iter().map(|words| format!("screen {nth}, {run}: {words}")));
            }
        }
        all
    }

    pub async fn until(&self, what: &str, limit: Duration, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            if began.elapsed() > limit {
                let said: Vec<String> = self.hubs.iter().map(HubProcess::said).collect();
                panic!("not {what}: {:#?}\nhubs say: {}", self.differences(), said.join("\n---\n"));
            }
            sleep(LOOK).await;
        }
    }

    /// Waits until all screens show the truth, no longer than a recovery may take, and checks that
    /// every screen continued where it was, on one stream.
    pub async fn recovers(&self) {
        self.until("all screens show the truth", RECOVERY, |scene| scene.differences().is_empty())
            .await;
        let first = self.screens[0].shown().streams.clone();
        for screen in &self.screens {
            let shown = screen.shown();
            assert_eq!(shown.streams.len(), 1, "nothing was shown and lost again");
            assert_eq!(shown.streams, first, "all hubs have one stream");
        }
        self.frames_agree();
        self.backend.assert_no_harm();
    }

    /// Checks that a number stands for the same frame on every screen, and no event came twice.
    fn frames_agree(&self) {
        let mut all = std::collections::BTreeMap::new();
        for screen in &self.screens {
            let shown = screen.shown();
            let mut events = std::collections::HashSet::new();
            for (number, text) in &shown.frames {
                let before = all.insert(*number, text.clone());
                assert!(before.is_none_or(|before| before == *text), "number {number}");
                if !text.starts_with(r#"{"hub""#) {
                    assert!(events.insert(text.clone()), "it came twice: {text}");
                }
            }
        }
    }
}
