//! `inspect --as-of`, by the binary.

use serde_json::Value;

use crate::cli::{piped, said};
use crate::support::{fixture, meterbridge};

#[test]
fn inspect_as_of_reports_a_recording_that_ends_then() {
    let path = fixture("transcripts/c-node-fails.ndjson");
    let path = path.to_str().unwrap();
    let report = |as_of: &str| {
        let (code, stdout, stderr) = said(&["inspect", "--json", path, "--as-of", as_of]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{as_of}");
        serde_json::from_str::<Value>(&stdout).unwrap()
    };
    let text = std::fs::read_to_string(path).unwrap();
    let recv_ms =
        |line: &str| serde_json::from_str::<Value>(line).unwrap()["recv_ms"].as_f64().unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let first = recv_ms(lines[0]);
    for count in 1..lines.len() {
        let since_begin = (recv_ms(lines[count - 1]) - first) / 1e3 + 1e-6;
        let (_, stdout, _) =
            piped(&["inspect", "--json", "-"], lines[..count].join("\n").as_bytes());
        let expected: Value = serde_json::from_str(&stdout).unwrap();
        let read = lines.iter().filter(|line| (recv_ms(line) - first) / 1e3 <= since_begin).count();
        if read == count {
            assert_eq!(report(&format!("+{since_begin:.7}")), expected, "{count} lines");
        }
    }
    assert_eq!(report("+0")["runs"][0]["status"], "pending");
    assert_eq!(report("2026-11-23T01:08:50Z")["runs"][0]["nodes"][2]["status"], "running");
}

#[test]
fn as_of_time_of_day_is_one_of_the_time_zone() {
    let path = fixture("transcripts/c-node-fails.ndjson");
    let inspect = |as_of: &str| {
        let mut command = meterbridge();
        let command = command.args(["inspect", "--json", "--as-of", as_of]).arg(&path);
        let output = command.env("TZ", "Europe/Berlin").output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), stderr)
    };
    let at = inspect("02:08:50");
    assert_eq!(at, inspect("2026-11-23T01:08:50Z"));
    assert_eq!(at.0, Some(0));
    let (code, stdout, stderr) = inspect("01:08:50");
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(
        stderr
            .starts_with("error: the recording has no 01:08:50: it lasts from 2026-11-23 02:08:49"),
        "{stderr}"
    );
    let (code, _, stderr) = inspect("02:30");
    assert_eq!(code, Some(0));
    assert!(stderr.ends_with(", before --as-of; this is its end\n"), "{stderr}");
}

#[test]
fn as_of_that_is_no_time_or_before_the_recording_is_a_usage_error() {
    let path = fixture("transcripts/c-node-fails.ndjson");
    let path = path.to_str().unwrap();
    for as_of in ["noon", "25:00", "+1:75", "2026-11-23"] {
        let (code, stdout, stderr) = said(&["inspect", path, "--as-of", as_of]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{as_of}: {stderr}");
        assert!(stderr.contains("expected an instant such as 2026-11-23T10:15:00Z"), "{stderr}");
    }
    let (code, stdout, stderr) = said(&["inspect", path, "--as-of", "2026-11-22T00:00:00Z"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""));
    assert!(stderr.contains("--as-of 2026-11-22T00:00:00Z is before the recording"), "{stderr}");
}
