//! `/metrics`, parsed as strictly as Prometheus and its linter do.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use meterbridge::demo::DemoOptions;
use meterbridge::hub::HubServer;
use tokio::time::timeout;
use tokio_tungstenite::connect_async;

use super::{Plan, loopback};
use crate::backend::{Backend, Script};
use crate::page::{ask, get};

const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
struct Family {
    kind: String,
    help: String,
    /// Values by their labels as written.
    samples: BTreeMap<String, f64>,
}

/// Parses the text format 0.0.4. Panics where `promtool check metrics` complains.
fn read(text: &str) -> BTreeMap<String, Family> {
    assert!(text.ends_with('\n') && !text.contains('\r'));
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(!families.contains_key(name), "{name} twice");
            assert!(!help.is_empty());
            current = name.to_owned();
            let family =
                Family { kind: String::new(), help: help.to_owned(), samples: BTreeMap::new() };
            families.insert(current.clone(), family);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, current, "its help comes before it");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            let family = families.get_mut(name).unwrap();
            assert!(family.kind.is_empty() && family.samples.is_empty(), "{line}");
            family.kind = kind.to_owned();
        } else {
            assert!(!line.is_empty() && !line.starts_with('#'), "{line:?}");
            let (temp_store, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) =
                temp_store.split_once('{').map_or((temp_store, ""), |(name, labels)| {
                    (name, labels.strip_suffix('}').expect("labels end"))
                });
            let suffix = name.strip_prefix(current.as_str()).expect("a family stands together");
            check_labels(labels);
            let value: f64 = value.parse().unwrap();
            let family = families.get_mut(&current).unwrap();
            let suffixes = match family.kind.as_str() {
                "histogram" => &["_bucket", "_sum", "_count"][..],
                _ => &[""],
            };
            assert!(suffixes.contains(&suffix), "{line} of {}", family.kind);
            let sample = format!("{}{labels}", suffix.trim_start_matches('_'));
            assert!(family.samples.insert(sample, value).is_none(), "{line} twice");
        }
    }
    for (name, family) in &families {
        lint(name, family);
    }
    families
}

fn check_labels(labels: &str) {
    let mut names = BTreeSet::new();
    for pair in labels.split(',').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap();
        assert!(is_snake(name) && names.insert(name), "{labels}");
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap();
        assert!(!value.contains(['"', '\n']), "{labels}");
    }
}

fn is_snake(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Applies the naming rules of `promtool check metrics`.
fn lint(name: &str, family: &Family) {
    assert!(is_snake(name) && name.starts_with("meterbridge_"), "{name}");
    assert_eq!(family.kind == "counter", name.ends_with("_total"), "{name} is a {}", family.kind);
    assert!(family.help.ends_with('.'), "{name}: {}", family.help);
    for part in name.split('_') {
        for wrong in ["counter", "gauge", "ms", "secs", "millis", "kib", "mib", "kb", "mb", "min"] {
            assert_ne!(part, wrong, "{name}");
        }
    }
    for suffix in ["_count", "_sum", "_bucket", "_created"] {
        assert!(!name.ends_with(suffix), "{name}");
    }
}

fn value(families: &BTreeMap<String, Family>, name: &str, labels: &str) -> f64 {
    let name = format!("meterbridge_hub_{name}");
    let family = families.get(&name).unwrap_or_else(|| panic!("no {name}"));
    *family.samples.get(labels).unwrap_or_else(|| panic!("{name} of {labels}: {family:?}"))
}

#[tokio::test]
async fn hub_metrics_are_counted_and_pass_the_prometheus_linter() {
    let backend = Backend::new();
    let address = backend.listen().await;
    let run = backend.start_run([Script::success(300)]);
    let server = Plan::of(address).start().await;
    let mut client = connect_async(server.events_url()).await.unwrap().0;
    // Read until an event of the run was received.
    loop {
        let message = futures_util::StreamExt::next(&mut client).await.unwrap().unwrap();
        let text = message.to_text().unwrap_or_default();
        if text.contains(&run.to_string()) {
            break;
        }
    }
    assert_eq!(get(&server, &format!("/api/v1/runs/{run}")).await.status, 200);
    assert_eq!(get(&server, "/api/v1/runs/not-a-uuid").await.status, 422);
    assert_eq!(ask(&server, "POST", "/api/v1/runs", &[]).await.status, 403);
    assert_eq!(ask(&server, "GET", "/healthz", &["Host: evil.example"]).await.status, 403);

    // Kept runs are counted a moment after they were sent.
    let counted = async {
        loop {
            let answer = get(&server, "/metrics").await;
            if answer.text().contains("meterbridge_hub_runs 1\n") {
                return answer;
            }
        }
    };
    let answer = timeout(PATIENCE, counted).await.expect("counted in time");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let metrics = read(answer.text());
    let value = |name, labels| value(&metrics, name, labels);
    let version = format!("version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert_eq!(value("build_info", &version), 1.0);
    assert!(value("start_time_seconds", "") > 1.7e9);
    assert_eq!((value("screens", ""), value("screens_limit", "")), (1.0, 512.0));
    assert_eq!(value("screen_connections_total", ""), 1.0);
    assert!([0.0, 1.0].contains(&value("screens_behind", "")));
    assert!(value("frames_sent_total", "") >= 1.0);
    assert_eq!(
        value("upstream_frames_total", ""),
        0.0,
        "the backend is polled: there is no socket"
    );
    let states = ["live", "polling", "lost"].map(|state| {
        let labels = format!("state=\"{state}\"");
        metrics["meterbridge_hub_upstream_state"].samples[&labels]
    });
    assert!(states == [1.0, 0.0, 0.0] || states == [0.0, 1.0, 0.0], "{}", answer.text());
    assert_eq!(value("api_requests_total", "code=\"2xx\""), 1.0);
    assert_eq!(value("api_requests_total", "code=\"4xx\""), 2.0);
    assert_eq!(value("refused_total", "reason=\"action\""), 1.0);
    assert_eq!(value("refused_total", "reason=\"host\""), 1.0);
    assert_eq!(value("refused_total", "reason=\"origin\""), 0.0);
    assert!(value("journal_frames", "") >= 1.0 && value("journal_bytes", "") > 100.0);
    assert_eq!((value("store_up", ""), value("store_errors_total", "")), (0.0, 0.0));
    drop(client);
    server.stop().await;
}

/// A demo studio has no upstream metrics; the others are equally well formed.
#[tokio::test]
async fn demo_studio_has_metrics_without_upstream() {
    let server = HubServer::start(loopback(), DemoOptions::default(), None).await.unwrap();
    let metrics = read(get(&server, "/metrics").await.text());
    assert_eq!(value(&metrics, "screens", ""), 0.0);
    assert!(!metrics.contains_key("meterbridge_hub_upstream_state"));
    server.stop().await;
}
