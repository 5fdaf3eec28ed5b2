use super::*;

type Frames = Vec<(u64, Option<f64>, String)>;

fn read_all(bytes: &[u8]) -> (Frames, ReadSummary) {
    let mut recording = Recording::new(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = recording.next_frame().unwrap() {
        frames.push((recording.line(), frame.recv_ms, frame.text));
    }
    (frames, recording.summary())
}

/// Returns the frames' texts, each with the line on which it began.
fn texts(bytes: impl AsRef<[u8]>) -> Vec<(u64, String)> {
    let (frames, _) = read_all(bytes.as_ref());
    frames.into_iter().map(|(line, _, text)| (line, text)).collect()
}

/// Returns the error of an input that is no recording; empty where it is one.
fn verdict(bytes: &[u8]) -> String {
    let mut recording = Recording::new(bytes);
    let mut read = || {
        while let Some(frame) = recording.next_frame()? {
            let mut batch = Batch::new(jiff::Timestamp::UNIX_EPOCH, false);
            batch.push_text(&frame.text);
            recording.note(&batch);
        }
        recording.verdict()
    };
    read().err().map(|error| error.to_string()).unwrap_or_default()
}

/// Returns the number of frames of an input with a torn end, and what is said of it.
fn torn(bytes: &[u8]) -> (u64, String) {
    let mut recording = Recording::new(bytes);
    while recording.next_frame().unwrap().is_some() {}
    assert_eq!(recording.summary().torn, u64::from(recording.torn().is_some()));
    (recording.summary().frames, recording.torn().unwrap_or_default().to_owned())
}

const EVENT: &str = r#"{"run_id":"r","phase":"start","ts":"2026-11-23T10:00:00Z"}"#;

#[test]
fn reads_every_kind_of_line() {
    let (frames, summary) = read_all(
        b"\xef\xbb\xbf{\"recv_ms\": 1.5, \"text\": \"{\\\"a\\\":1}\"}\r\n\
          \n  \n\
          {\"run_id\":\"r\"}\n\
          [{\"run_id\":\"r\"}]\n\
          nonsense\n\
          \xff\xfe\n\
          {\"recv_ms\": 2, \"text\": \"not json either\"}",
    );
    let expected = [
        (1, Some(1.5), "{\"a\":1}"),
        (4, None, "{\"run_id\":\"r\"}"),
        (5, None, "[{\"run_id\":\"r\"}]"),
        (6, None, "nonsense"),
        (7, None, "\u{fffd}\u{fffd}"),
        (8, Some(2.0), "not json either"),
    ];
    let expected = expected.map(|(line, recv_ms, text)| (line, recv_ms, text.to_owned()));
    assert_eq!(frames, expected);
    assert_eq!(summary, ReadSummary { frames: 6, malformed_lines: 2, torn: 0 });
}

#[test]
fn an_endless_line_is_cut() {
    let mut bytes = vec![b'x'; LONGEST_LINE + 10];
    bytes.extend_from_slice(b"\n{}\n");
    let (frames, summary) = read_all(&bytes);
    assert_eq!(frames[0].2.len(), KEPT_OF_A_BAD_FRAME);
    assert_eq!(frames[1], (2, None, "{}".to_owned()));
    assert_eq!(summary, ReadSummary { frames: 2, malformed_lines: 1, torn: 0 });
}

#[test]
fn a_long_line_of_objects_is_read_to_its_end() {
    let object = format!("{{\"a\":\"{}\"}}", "é".repeat(1 << 20));
    let line = format!("[{}]\n{{}}\n", vec![object.as_str(); 20].join(","));
    assert!(line.len() > 2 * LONGEST_LINE);
    let texts = texts(&line);
    assert_eq!(texts.len(), 21);
    assert!(texts[..20].iter().all(|(line, text)| (*line, text) == (1, &object)));
    assert_eq!(texts[20], (2, "{}".to_owned()));
}

#[test]
fn a_missing_file_is_named() {
    let error = Recording::open(std::path::Path::new("no/such.ndjson")).err().unwrap().to_string();
    assert!(error.starts_with("cannot open the recording `no/such.ndjson`: "), "{error}");
}

#[test]
fn objects_may_take_several_lines_or_share_one() {
    let pretty = "[\n  {\n    \"a\": [1,\n      {\"b\": \"}\"}\n    ]\n  },\n  {}\n]\n";
    let first = "{\n    \"a\": [1,\n      {\"b\": \"}\"}\n    ]\n  }".to_owned();
    assert_eq!(texts(pretty), [(2, first), (7, "{}".to_owned())]);
    let glued = format!("{EVENT}{EVENT} {EVENT},{{\"recv_ms\":1,\"text\":\"x\"}}");
    let (frames, _) = read_all(glued.as_bytes());
    assert_eq!(frames.len(), 4);
    assert_eq!(frames[3], (1, Some(1.0), "x".to_owned()));
    assert_eq!(texts(format!("\u{1e}{EVENT}\n\u{1e}{EVENT}\n")).len(), 2, "RFC 7464");
    assert_eq!(texts("[]\n[\n]\n"), []);
}

#[test]
fn incomplete_object_does_not_swallow_later_frames() {
    let half = &EVENT[..30];
    let lines = format!("{half}\n{EVENT}\n  {{\n{EVENT}\n{half}");
    let (frames, summary) = read_all(lines.as_bytes());
    let frames: Vec<(u64, &str)> =
        frames.iter().map(|(line, _, text)| (*line, text.as_str())).collect();
    assert_eq!(frames, [(1, half), (2, EVENT), (3, "{"), (4, EVENT)]);
    assert_eq!((summary.malformed_lines, summary.torn), (2, 1), "the last one is a torn end");
}

#[test]
fn logs_and_event_streams_are_read() {
    for text in [
        format!("event: workflow\nid: 1\ndata: {EVENT}\n\n: keepalive\n\n"),
        format!("2026-11-23T10:00:00.5Z {EVENT}\n"),
        format!("[pod/amcs-0/backend] {EVENT}\n"),
        format!("[12:00:00] INFO {EVENT}\n"),
        format!("backend-1  | {EVENT}\n"),
        format!("INFO:root:{EVENT}\n"),
        format!(
            "2026-11-23T10:00:00Z stdout P {}\n2026-11-23T10:00:00Z stdout F {}\n",
            &EVENT[..20],
            &EVENT[20..]
        ),
        format!("2026-11-23T10:00:00Z stdout P {EVENT}\n"),
        serde_json::json!({"log": format!("{EVENT}\n"), "stream": "stdout"}).to_string(),
        serde_json::json!({"__CURSOR": "s=1", "MESSAGE": EVENT, "_PID": "7"}).to_string(),
        format!("INFO:     sent {EVENT} to 3 subscribers\n"),
        ["data: {", "data:   \"run_id\": \"r\",", "data:   \"phase\": \"start\"", "data: }"]
            .join("\n"),
    ] {
        let read = texts(&text);
        assert_eq!(read.len(), 1, "{text}\n{read:?}");
        let value: serde_json::Value = serde_json::from_str(&read[0].1).unwrap();
        assert_eq!((&value["run_id"], &value["phase"]), (&"r".into(), &"start".into()), "{text}");
    }
}

#[test]
fn events_inside_other_json_are_read() {
    let wrapped = format!("{{\n  \"events\": [\n    {EVENT},\n    {EVENT}\n  ]\n}}\n");
    assert_eq!(texts(&wrapped), [(1, EVENT.to_owned()), (1, EVENT.to_owned())]);
    let log = format!("{{\"msg\":\"hi\"}}\n{{\"msg\":\"x\",\"event\":{EVENT}}}\n").repeat(2);
    let texts = texts(&log);
    let lines: Vec<u64> = texts.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [1, 2, 3, 4]);
    assert_eq!([&texts[1].1, &texts[3].1], [EVENT, EVENT]);
    assert_eq!(verdict(log.as_bytes()), "");
    assert_eq!(verdict(wrapped.as_bytes()), "");
}

#[test]
fn other_files_are_identified_in_the_error() {
    const NO_EVENTS: &str = "the input is not a recording: it has no AMCS events (they are JSON with \
                             `run_id` and `phase`)";
    for (bytes, words) in [
        (
            &b"# Meterbridge\n\nA wall.\n"[..],
            format!("{NO_EVENTS}, and its line 1 is `# Meterbridge`"),
        ),
        (
            b"{\"resourceSpans\":[]}",
            format!("{NO_EVENTS}, but JSON with `resourceSpans`"),
        ),
        (b"[{\"a\":1},\n {\"b\":1}]", format!("{NO_EVENTS}, but JSON with `a`")),
        (b"[1, 2]", format!("{NO_EVENTS}, and its line 1 is `1`")),
        (b"{'run_id': 'r', 'ok': True}", format!("{NO_EVENTS}, and its line 1 is `{{'run_id': 'r', 'ok': True}}`")),
        (
            b"{\"run_id\":\"r\",\"phase\":\"end\"}",
            "the input is not a recording: none of its events can be read, on line 1 an event without \
             `ts` or `timestamp`"
                .to_owned(),
        ),
        (
            b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
            "the input is not a recording: it is a PNG picture".to_owned(),
        ),
        (
            b"\x00\x01\x02\x03",
            "the input is not a recording: it is binary data, not text".to_owned(),
        ),
    ] {
        assert_eq!(verdict(bytes), words);
    }
    for bytes in [
        "",
        "\n \r\n",
        "[]",
        "[\n]\n",
        EVENT,
        &format!("nonsense\n{EVENT}"),
        r#"{"recv_ms":1,"text":"pong"}"#,
    ] {
        assert_eq!(verdict(bytes.as_bytes()), "", "{bytes}");
    }
}

#[test]
fn compressed_text_is_read_and_truncation_is_reported() {
    use std::io::Write;

    let mut packed = Vec::new();
    // Two gzip members, as `cat a.gz b.gz` produces.
    for _ in 0..2 {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(EVENT.as_bytes()).unwrap();
        encoder.write_all(b"\n").unwrap();
        packed.extend(encoder.finish().unwrap());
    }
    assert_eq!(texts(&packed), [(1, EVENT.to_owned()), (2, EVENT.to_owned())]);
    let padded = [&packed[..], &[0; 70_000]].concat();
    assert_eq!(texts(&padded).len(), 2, "padded with zeros");
    let cut = &packed[..packed.len() - 20];
    let (frames, words) = torn(cut);
    assert!(frames > 0 && words.starts_with("the gzip data is cut off after line "), "{words}");
    let mut half = Recording::new(cut);
    assert_eq!(half.next_frame().unwrap().unwrap().text, EVENT, "what is whole is read");
    let followed = [&packed[..], b"# more\n"].concat();
    let error = read(&followed[..], drop).unwrap_err().to_string();
    assert_eq!(error, "cannot read the input after line 2: the gzip data is damaged");
    let error = read(&packed[..2], drop).unwrap_err().to_string();
    assert_eq!(error, "cannot read the input: the gzip data is cut off");

    let text = format!("{EVENT}\n").repeat(5_000);
    let level = ruzstd::encoding::CompressionLevel::Fastest;
    let frame = ruzstd::encoding::compress_to_vec(text.as_bytes(), level);
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    let twice = [&skippable[..], &frame, &skippable[..], &frame].concat();
    assert_eq!(texts(&twice).len(), 10_000);
    // Nothing of its only block can be read.
    let error = read(&frame[..20], drop).unwrap_err().to_string();
    assert!(error.ends_with(": the Zstandard data is cut off"), "{error}");
    let mut damaged = frame.clone();
    damaged[8..24].fill(0xff);
    let error = read(&damaged[..], drop).unwrap_err().to_string();
    assert!(error.ends_with(": the Zstandard data is damaged"), "{error}");

    let packed_twice = ruzstd::encoding::compress_to_vec(&packed[..], level);
    let error = read(&packed_twice[..], drop).unwrap_err().to_string();
    assert!(error.contains("it is compressed twice; unpack it once"), "{error}");
}

fn own(recv_ms: u32, text: &str) -> String {
    format!("{}\n", serde_json::json!({"recv_ms": recv_ms, "text": text}))
}

#[test]
fn torn_last_line_is_told_and_skipped_wherever_it_is_cut() {
    let header = "{\"recv_ms\":0.0,\"meterbridge\":{\"recording\":1,\"started_at\":\"2026-11-23T10:00:00Z\"}}\n";
    let whole = format!("{header}{}", own(1, EVENT));
    let last = own(2, EVENT);
    for cut in 1..last.len() - 2 {
        let (frames, words) = torn(format!("{whole}{}", &last[..cut]).as_bytes());
        assert_eq!(frames, 1, "{}", &last[..cut]);
        assert_eq!(words, "line 3: cut off before its end; it was skipped");
    }
    // Only the line break is missing.
    assert_eq!(torn(format!("{whole}{}", last.trim_end()).as_bytes()), (2, String::new()));
    // The first frame is torn, and the header shows that it is one.
    let (frames, words) = torn(format!("{header}{}", &last[..20]).as_bytes());
    assert_eq!((frames, words.is_empty()), (0, false));
}

#[test]
fn torn_last_member_is_told_and_skipped_wherever_it_is_cut() {
    use std::io::Write;

    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let zstd = |text: &str| {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    };
    let lines = |from: u32| (from..from + 20).map(|ms| own(ms, EVENT)).collect::<String>();
    for name in ["gzip", "Zstandard"] {
        let pack = |text: &str| if name == "gzip" { gzip(text) } else { zstd(text) };
        let first = [pack(&lines(0)), pack(&lines(20))].concat();
        let last = pack(&lines(40));
        for cut in 1..last.len() {
            let (frames, words) = torn(&[&first[..], &last[..cut]].concat());
            assert!((40..=60).contains(&frames), "{name} {cut}: {frames}");
            assert!(words.starts_with(&format!("the {name} data is cut off")), "{cut}: {words}");
        }
        assert_eq!(torn(&[&first[..], &last].concat()), (60, String::new()));
    }
}

#[test]
fn notes_of_a_recorder_count_as_no_frames() {
    let header = |at: &str, part: u32| {
        let meterbridge = serde_json::json!({"recording": 1, "started_at": at, "part": part});
        format!("{}\n", serde_json::json!({"recv_ms": 0.0, "meterbridge": meterbridge}))
    };
    let note = |fields: serde_json::Value| {
        let mut line = serde_json::json!({"recv_ms": 1.5});
        line.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        format!("{line}\n")
    };
    let text = [
        header("2026-11-23T10:00:00Z", 1),
        note(serde_json::json!({"connection": "connecting", "url": "ws://studio"})),
        note(serde_json::json!({"connection": "connected", "url": "ws://studio"})),
        own(2, EVENT),
        note(serde_json::json!({"connection": "disconnected", "url": "x", "code": 1006, "reason": "lost"})),
        note(serde_json::json!({"lost": 12})),
        // Another recording in the same file, an hour later.
        header("2026-11-23T11:00:00Z", 1),
        own(5, EVENT),
        // A later file of the first one.
        header("2026-11-23T10:00:00Z", 2),
        own(7, EVENT),
    ]
    .concat();
    let mut recording = Recording::new(text.as_bytes());
    let mut read = Vec::new();
    while let Some(frame) = recording.next_frame().unwrap() {
        read.push((frame.recv_ms, frame.notes));
    }
    let lost = "12 frames are missing here: they could not be recorded in time";
    assert_eq!(
        read,
        [
            (Some(2.0), vec!["recorded: connected to ws://studio".to_owned()]),
            (
                Some(3_600_005.0),
                vec![
                    "recorded: disconnected (1006), lost".to_owned(),
                    lost.to_owned(),
                    "another recording begins".to_owned()
                ]
            ),
            (Some(7.0), vec![]),
        ]
    );
    assert_eq!(recording.started_at(), Some("2026-11-23T10:00:00Z".parse().unwrap()));
    assert_eq!(recording.summary(), ReadSummary { frames: 3, malformed_lines: 0, torn: 0 });
}
