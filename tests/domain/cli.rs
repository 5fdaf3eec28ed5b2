//! Exit codes and exact messages of the binary.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{answer, fixture, meterbridge};

/// Returns exit code, standard output, standard error.
pub fn said(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = answer(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn check_error(arguments: &[&str], code: i32, message: &str) {
    let (actual, stdout, stderr) = said(arguments);
    assert_eq!((actual, stderr.trim_end()), (Some(code), message), "{arguments:?}");
    assert_eq!(stdout, "", "{arguments:?}");
}

/// Runs the binary with `input` on standard input; returns exit code, standard output, standard error.
pub fn piped(arguments: &[&str], input: &[u8]) -> (Option<i32>, String, String) {
    let mut child = meterbridge()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn missing_file_or_command_is_a_usage_error() {
    check_error(
        &["inspect", "missing.ndjson"],
        2,
        "error: there is no file `missing.ndjson`; try `meterbridge inspect --help`",
    );
    check_error(
        &["inspct"],
        2,
        "error: there is no file and no command `inspct`; did you mean `meterbridge inspect`?",
    );
}

#[test]
fn invalid_url_is_a_usage_error() {
    check_error(
        &["ftp://localhost:8000"],
        2,
        "error: `ftp://localhost:8000` begins with ftp://: an event stream begins with ws:// or \
         wss://",
    );
    for url in ["ws://", "ws://a b", "ws://host:99999999", "http://", "https://host:x"] {
        let (code, stdout, stderr) = said(&[url]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with("error: "), "{stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
    }
}

#[test]
fn unknown_options_and_invalid_values_are_usage_errors() {
    for (arguments, sentence) in [
        (&["--nonsense"][..], "error: unexpected argument '--nonsense' found"),
        (&["inspect"], "error: the following required arguments were not provided:"),
        (
            &["--reconnect-delay", "soon"],
            "error: invalid value 'soon' for '--reconnect-delay <SECONDS>': expected seconds from 0 \
             to 86400, such as 3 or 0.5",
        ),
        (
            &["--max-message-bytes", "4G"],
            "error: invalid value '4G' for '--max-message-bytes <BYTES>': expected bytes, such as \
             65536, 512k or 4M",
        ),
        (
            &["--keep-runs", "0"],
            "error: invalid value '0' for '--keep-runs <N>': expected a whole number of at least 1",
        ),
        (
            &["--speed", "0"],
            "error: invalid value '0' for '--speed <FACTOR>': expected a number above 0 and up to \
             1000, such as 2 or 0.5",
        ),
    ] {
        let (code, stdout, stderr) = said(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {stderr}");
        assert_eq!(stderr.lines().next(), Some(sentence));
        assert_eq!(stdout, "");
    }
}

#[test]
fn unknown_time_zone_is_a_usage_error_that_says_what_to_write() {
    let options: [&[&str]; 2] = [&["--time-zone", "Europe/Berln"], &["--time-zone=Europe/Berln"]];
    for option in options {
        let (code, stdout, stderr) = said(option);
        assert_eq!((code, stdout.as_str()), (Some(2), ""));
        let message = "error: invalid value 'Europe/Berln' for '--time-zone <NAME>': expected a time zone such \
                       as Europe/Berlin, UTC, +02:00 or EST5EDT,M3.2.0,M11.1.0\n";
        assert!(stderr.starts_with(message), "{stderr}");
    }
    let output = meterbridge().env("METERBRIDGE_TIME_ZONE", "Europe/Berln").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("'Europe/Berln'"));
}

#[test]
fn environment_variables_apply_unless_a_flag_is_given() {
    let with = |name: &str, value: &str, arguments: &[&str]| {
        let output = meterbridge().env(name, value).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, stderr) = with("METERBRIDGE_RECONNECT_DELAY", "soon", &["missing.ndjson"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with(
            "error: invalid value 'soon' for 'METERBRIDGE_RECONNECT_DELAY (environment)"
        ),
        "{stderr}"
    );
    // The flag takes precedence: the variable is not even parsed.
    let flag = &["--reconnect-delay", "1", "missing.ndjson"];
    let (_, stderr) = with("METERBRIDGE_RECONNECT_DELAY", "soon", flag);
    assert!(stderr.starts_with("error: there is no file"), "{stderr}");
    // Variables for the window do not disturb a command.
    let path = fixture("dialects/guide.ndjson");
    let inspect = &["inspect", path.to_str().unwrap()];
    for (name, value) in
        [("METERBRIDGE_RUN", "run-1"), ("METERBRIDGE_FULLSCREEN", "1"), ("METERBRIDGE_PANEL", "no")]
    {
        assert_eq!(with(name, value, inspect), (Some(0), String::new()), "{name}");
    }
}

#[test]
fn unreadable_file_is_named_with_the_reason() {
    let directory = fixture("transcripts");
    check_error(
        &["inspect", directory.to_str().unwrap()],
        1,
        &format!("error: `{}` is a folder: name a recording in it", directory.display()),
    );
}

/// The message also appears without a display, and in a build without the window.
#[test]
fn missing_display_error_names_the_working_commands() {
    let (code, stdout, stderr) = said(&[]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    assert!(stderr.starts_with("error: "), "{stderr}");
    assert!(stderr.contains("`meterbridge inspect`") && stderr.contains("`meterbridge demo`"));
    assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
}

#[test]
fn missing_page_is_a_usage_error() {
    check_error(
        &["serve", "--page", "missing", "--listen", "127.0.0.1:0"],
        2,
        "error: there is no page in `missing`: a page has an index.html, and web/build.sh makes \
         one in web/dist",
    );
}

#[test]
fn remote_listen_address_requires_allow_remote() {
    for command in ["demo", "serve"] {
        check_error(
            &[command, "--listen", "0.0.0.0:8080"],
            2,
            "error: --listen 0.0.0.0:8080 would open the demo studio to other machines: add \
             --allow-remote if that is meant, or listen on a loopback address such as \
             127.0.0.1:8080",
        );
    }
}

/// The message says what an open hub needs, and never repeats a token.
#[test]
fn remote_hub_requires_a_token() {
    let hub = ["serve", "http://127.0.0.1:9", "--store=none", "--listen=0.0.0.0:8080"];
    check_error(
        &hub,
        2,
        "error: --listen 0.0.0.0:8080 would open the hub to other machines, which needs a token for \
         screens: put one of 16 characters or more into METERBRIDGE_HUB_TOKEN, or into a file for \
         --hub-token-file; or listen on a loopback address such as 127.0.0.1:8080",
    );
    let allowed: Vec<&str> = hub.into_iter().chain(["--allow-remote"]).collect();
    assert_eq!(said(&allowed).0, Some(2), "what opens a studio opens no hub");
    let missing: Vec<&str> = hub.into_iter().chain(["--hub-token-file=missing"]).collect();
    let (code, _, words) = said(&missing);
    assert_eq!(code, Some(2));
    assert!(words.starts_with("error: --hub-token-file: cannot read the token file `missing`"));
    let mut short = meterbridge();
    let output = short.args(hub).env("METERBRIDGE_HUB_TOKEN", "0123456789abcde").output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(words.contains("has 15 characters; it needs 16 at least"), "{words}");
    assert!(!words.contains("0123456789"), "{words}");
    for wrong in ["--allow-origin=studio.example", "--max-screens=0", "--max-request-rate=-1"] {
        assert_eq!(said(&["serve", wrong]).0, Some(2), "{wrong}");
    }
}

/// The log shows that a wrong token was tried, but neither that token nor the right one.
#[test]
fn wrong_token_attempt_is_logged_without_any_token() {
    let page = page_fixture("tokens");
    let (right, wrong) = ("the-right-t0ken-for-screens", "a-wr0ng-t0ken-for-screens");
    let mut child = meterbridge()
        .args(["serve", "--listen=127.0.0.1:0", "--page"])
        .arg(&page)
        .env("METERBRIDGE_HUB_TOKEN", right)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let host = line.strip_prefix("Meterbridge on http://").and_then(|rest| rest.split_once('/'));
    let host = host.unwrap_or_else(|| panic!("{line}")).0;
    let ask = |head: String| {
        let mut stream = TcpStream::connect(host).unwrap();
        let head = format!("{head}\r\nHost: {host}\r\nConnection: close\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        stream
    };
    let mut answers = String::new();
    for token in [wrong, right] {
        let bearer = format!("Authorization: Bearer {token}\r\n\r\n");
        let mut stream = ask(format!("GET /metrics?token={token} HTTP/1.1"));
        stream.write_all(bearer.as_bytes()).unwrap();
        stream.read_to_string(&mut answers).unwrap();
        let form = format!("token={token}");
        let mut stream = ask("POST /login HTTP/1.1".to_owned());
        let rest = format!("Content-Length: {}\r\n\r\n{form}", form.len());
        stream.write_all(rest.as_bytes()).unwrap();
        stream.read_to_string(&mut answers).unwrap();
    }
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    std::fs::remove_dir_all(page).unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(log, "wrong token for screens from 127.0.0.1\n".repeat(2));
    for status in ["401 Unauthorized", "403 Forbidden", "200 OK", "303 See Other"] {
        assert!(answers.contains(status), "{status}: {answers}");
    }
    assert!(!answers.contains(right) && !answers.contains(wrong), "{answers}");
}

#[test]
fn address_in_use_is_reported() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let page = page_fixture("taken");
    for command in [
        &["demo", "--listen", &address][..],
        &["serve", "--listen", &address, "--page", page.to_str().unwrap()],
    ] {
        check_error(
            command,
            1,
            &format!(
                "error: cannot listen on {address}: the address is in use; stop what runs there, \
                 or choose another port with --listen"
            ),
        );
    }
    std::fs::remove_dir_all(page).unwrap();
}

/// Creates a page of one file, in this test's own folder.
fn page_fixture(test: &str) -> PathBuf {
    let folder =
        std::env::temp_dir().join(format!("meterbridge-cli-{}-{test}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
    folder
}

#[cfg(not(feature = "embed-page"))]
#[test]
fn serve_without_a_page_warns_and_continues() {
    let folder = page_fixture("pageless");
    let mut child = meterbridge()
        .args(["serve", "--listen", "127.0.0.1:0"])
        .current_dir(&folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut warning = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut warning).unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let host = line.strip_prefix("Meterbridge on http://").and_then(|rest| rest.split_once('/'));
    let host = host.unwrap_or_else(|| panic!("{line}")).0;
    assert_eq!(
        warning,
        format!(
            "warning: there is no page to serve: run web/build.sh and start again here, or name the \
             page's folder with --page; ws://{host}/events works without a page\n"
        )
    );
}

#[test]
fn server_prints_its_address_and_exits_cleanly_on_a_signal() {
    let page = page_fixture("signals");
    let page = page.to_str().unwrap();
    let any = ["--listen", "127.0.0.1:0", "--speed", "2", "--runs", "1"];
    for (command, before, after) in [
        (&["demo"][..], "Demo studio on ws://127.0.0.1:", "/events, seed 7, "),
        (&["serve", "--page", page], "Meterbridge on http://127.0.0.1:", "/, demo studio seed 7, "),
    ] {
        for signal in ["INT", "TERM"] {
            let mut child = meterbridge()
                .args(command)
                .args(any)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdout = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            stdout.read_line(&mut line).unwrap();
            let rest = line.strip_prefix(before).unwrap_or_else(|| panic!("{line}"));
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            assert_ne!(port, "0");
            let expected =
                format!("{before}{port}{after}1 run at a time, 2 × speed. Ctrl-C ends it.\n");
            assert_eq!(line, expected);
            TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
            let kill = format!("kill -{signal} {}", child.id());
            assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{command:?}, {signal}");
            assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        }
    }
    std::fs::remove_dir_all(page).unwrap();
}

#[test]
fn help_and_version_succeed() {
    for arguments in [
        &["--help"][..],
        &["-h"],
        &["--version"],
        &["inspect", "--help"],
        &["demo", "--help"],
        &["serve", "--help"],
    ] {
        let (code, stdout, stderr) = said(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!stdout.is_empty());
    }
    let (_, help, _) = said(&["--help"]);
    assert!(help.contains("Examples:\n  meterbridge "), "{help}");
    let (_, help, _) = said(&["serve", "--help"]);
    assert!(help.contains("Examples:\n  meterbridge serve "), "{help}");
}

#[test]
fn idle_timeout_must_be_longer_than_the_ping_interval() {
    let expected = "error: --idle-timeout (20 s) must be longer than --ping-interval (20 s), because a \
                    quiet stream would be taken for lost before its first ping is answered; 0 turns \
                    either off";
    for command in [&["missing.ndjson"][..], &["serve", "ws://localhost:1/events"]] {
        let (code, stdout, stderr) = said(&[command, &["--idle-timeout", "20"]].concat());
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with(expected), "{stderr}");
    }
    for options in
        [["--idle-timeout=0", "--ping-interval=60"], ["--idle-timeout=5", "--ping-interval=0"]]
    {
        let (_, _, stderr) = said(&[&["missing.ndjson"][..], &options].concat());
        assert!(stderr.starts_with("error: there is no file"), "{stderr}");
    }
}

#[test]
fn invalid_setting_names_its_origin_and_what_was_expected() {
    let said_with = |arguments: &[&str], name: &str, value: &str| {
        let output = meterbridge().args(arguments).env(name, value).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let number = "expected a whole number, such as 5";
    for (variable, value, expected) in [
        ("METERBRIDGE_KEEP_EVENTS", "many", number),
        ("METERBRIDGE_MAX_RECONNECT_ATTEMPTS", "few", number),
        ("METERBRIDGE_SEED", "", number),
        ("METERBRIDGE_MAX_MESSAGE_BYTES", "big", "expected bytes, such as 65536, 512k or 4M"),
    ] {
        let stderr = said_with(&["missing.ndjson"], variable, value);
        let start =
            format!("error: invalid value '{value}' for '{variable} (environment)': {expected}");
        assert!(stderr.starts_with(&start), "{stderr}");
    }
    let stderr = said_with(&["demo"], "METERBRIDGE_DEMO_LISTEN", "here");
    let start = "error: invalid value 'here' for 'METERBRIDGE_DEMO_LISTEN (environment)': expected an IP \
                 address and a port, such as 127.0.0.1:8080";
    assert!(stderr.starts_with(start), "{stderr}");
    // Not a variable of the same name that another command reads.
    let output = meterbridge()
        .arg("demo")
        .envs([("METERBRIDGE_SPEED", "2"), ("METERBRIDGE_DEMO_SPEED", "0")])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let start = "error: invalid value '0' for 'METERBRIDGE_DEMO_SPEED (environment)'";
    assert!(stderr.starts_with(start), "{stderr}");
    // An option on the command line is named as it was written, whatever the environment says.
    for given in [&["--keep-events", "x"][..], &["--keep-events=x"]] {
        let stderr = said_with(given, "METERBRIDGE_KEEP_EVENTS", "7");
        let start = format!("error: invalid value 'x' for '--keep-events <N>': {number}");
        assert!(stderr.starts_with(&start), "{stderr}");
    }
}
