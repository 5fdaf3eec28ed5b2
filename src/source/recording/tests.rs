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
    assert_eq!(frames, [(1, half), (2, EVENT), (3, "{"), (4, EVENT), (5, half)]);
    assert_eq!(summary.malformed_lines, 3);
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
    let error = read(cut, drop).unwrap_err().to_string();
    assert_eq!(error, "cannot read the input after line 2: the gzip data is cut off");
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
    let error = read(&frame[..frame.len() / 2], drop).unwrap_err().to_string();
    assert!(error.ends_with(": the Zstandard data is cut off"), "{error}");
    let mut damaged = frame.clone();
    damaged[8..24].fill(0xff);
    let error = read(&damaged[..], drop).unwrap_err().to_string();
    assert!(error.ends_with(": the Zstandard data is damaged"), "{error}");

    let packed_twice = ruzstd::encoding::compress_to_vec(&packed[..], level);
    let error = read(&packed_twice[..], drop).unwrap_err().to_string();
    assert!(error.contains("it is compressed twice; unpack it once"), "{error}");
}
