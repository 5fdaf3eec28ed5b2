// Tests of the page's boot code that need no browser: node --test tests/web/*.test.mjs

import assert from "node:assert/strict";
import test from "node:test";
import { gzipSync } from "node:zlib";

import { Announcer, summarise } from "../../web/boot/announcer.js";
import { counted, stallWatch } from "../../web/boot/download.js";
import * as failures from "../../web/boot/failures.js";
import { isOwnKey } from "../../web/boot/keys.js";
import { Comeback, comingBack, fillScreenOnGesture, isKiosk, keepAwake, waitMs } from "../../web/boot/kiosk.js";
import { gunzip, readFiles, Unreadable } from "../../web/boot/opening.js";
import { progressView, SEGMENTS } from "../../web/boot/progress.js";
import { isOwn, watchSignIn } from "../../web/boot/signin.js";
import { bareAddress, isMixedContent, overTls, withSource } from "../../web/boot/sources.js";
import { NEWS_MS, Status } from "../../web/boot/status.js";
import { hasWasm } from "../../web/boot/support.js";
import { cut, durationWords, sentence } from "../../web/boot/words.js";

test("progress shows decoded megabytes and whole percents", () => {
  assert.deepEqual(progressView(4_100_000, 6_800_000), {
    what: "Display, 4.1 of 6.8 MB",
    percent: "60\u00a0%",
    now: 60,
    lit: 28,
  });
});

test("progress never exceeds the total, and reaches 100 % only at the end", () => {
  for (const received of [6_800_001, 7_000_000, 1e12]) {
    const view = progressView(received, 6_800_000);
    assert.equal(view.now, 100);
    assert.equal(view.lit, SEGMENTS);
    assert.equal(view.what, "Display, 6.8 of 6.8 MB");
  }
  assert.equal(progressView(6_799_999, 6_800_000).now, 99);
});

test("progress without a known total shows the received megabytes", () => {
  const view = progressView(4_100_000, 0);
  assert.deepEqual(view, { what: "Display, 4.1 MB", percent: "", now: null, lit: 0 });
});

test("counted() passes the stream on unchanged", async () => {
  const pieces = [new Uint8Array([1, 2, 3]), new Uint8Array([4]), new Uint8Array(0)];
  const body = new ReadableStream({
    start(controller) {
      pieces.forEach((piece) => controller.enqueue(piece));
      controller.close();
    },
  });
  const lengths = [];
  const read = await new Response(counted(body, (length) => lengths.push(length))).arrayBuffer();
  assert.deepEqual(lengths, [3, 1, 0]);
  assert.deepEqual([...new Uint8Array(read)], [1, 2, 3, 4]);
});

test("a stall and its end are reported once each", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const told = [];
  const watch = stallWatch(20_000, (stalled) => told.push(stalled));
  t.mock.timers.tick(19_000);
  watch.touch();
  t.mock.timers.tick(19_999);
  assert.deepEqual(told, []);
  t.mock.timers.tick(1);
  t.mock.timers.tick(60_000);
  assert.deepEqual(told, [true]);
  watch.touch();
  watch.touch();
  assert.deepEqual(told, [true, false]);
  watch.stop();
  t.mock.timers.tick(60_000);
  assert.deepEqual(told, [true, false]);
});

test("isMixedContent() is true for ws:// on an https page, except to the local machine", () => {
  const check = (page, url, expected) => assert.equal(isMixedContent(page, url), expected, `${page} ${url}`);
  check("https:", "ws://studio.example:8000/events", true);
  check("https:", "WS://studio.example/", true);
  check("https:", "ws://10.0.0.5/events", true);
  check("https:", "ws://localhost.example/", true);
  check("https:", "wss://studio.example/events", false);
  check("https:", "ws://localhost:8000/events", false);
  check("https:", "ws://LOCALHOST:8000/events", false);
  check("https:", "ws://a.localhost/events", false);
  check("https:", "ws://127.0.0.1:8000/events", false);
  check("https:", "ws://127.8.9.10/events", false);
  check("https:", "ws://[::1]:8000/events", false);
  check("http:", "ws://studio.example:8000/events", false);
  // The display itself reports invalid addresses.
  check("https:", "htp:/nowhere", false);
  check("https:", "", false);
});

test("an address on a card contains no credentials or query", () => {
  assert.equal(
    bareAddress("ws://me:secret@studio.example:8000/events?token=s3cret#x"),
    "ws://studio.example:8000/events",
  );
  const card = JSON.stringify(failures.mixedContent("ws://me:secret@studio.example/e?token=s3cret").text);
  assert.doesNotMatch(card, /secret|s3cret/);
});

test("withSource() replaces the source and keeps the other parameters", () => {
  const query = "?source=ws%3A%2F%2Fa%2Fevents&view=wall";
  assert.equal(withSource(query, null), "?view=wall");
  assert.equal(withSource("?source=x", null), "");
  assert.equal(
    new URLSearchParams(withSource(query, overTls("ws://a/events"))).get("source"),
    "wss://a/events",
  );
});

test("durationWords() counts minutes, hours and days", () => {
  const check = (millis, expected) => assert.equal(durationWords(millis), expected);
  check(949, "0:00");
  check(38_000, "0:38");
  check(59_700, "0:59");
  check(200_000, "3:20");
  check(3_600_000, "1:00:00");
  check(3_905_000, "1:05:05");
  check(86_400_000, "1 d");
  check(439_200_000, "5 d 2 h");
  check(null, "");
  check(undefined, "");
  check(-5, "");
});

test("cut() counts characters and joins lines", () => {
  assert.equal(cut("  two\n lines ", 20), "two lines");
  assert.equal(cut("🎹🎹🎹🎹", 3), "🎹🎹…");
  assert.equal(cut(undefined, 3), "");
  assert.equal(sentence("Done"), "Done.");
  assert.equal(sentence("Really?"), "Really?");
});

const run = (title, more = {}) => ({ run_id: title, title, ...more });

test("summarise() puts failures first and counts several completed runs", () => {
  const completed = ["A", "B", "C", "D"].map((title) => ({ kind: "completed", run: run(title) }));
  assert.equal(summarise(completed), "4 runs finished.");
  assert.equal(
    summarise([
      { kind: "started", run: run("E") },
      ...completed,
      { kind: "failed", run: run("F", { node: "LYRICS", message: "LLM call\n timed out." }) },
    ]),
    "F failed at LYRICS: LLM call timed out. 4 runs finished. E started.",
  );
});

test("summarise() names only the last of several failures", () => {
  const failed = ["A", "B", "C"].map((title) => ({ kind: "failed", run: run(title, { node: "PLAN" }) }));
  assert.equal(summarise(failed), "3 runs failed; the last: C failed at PLAN.");
});

test("summarise() keeps only the last message about the connection", () => {
  assert.equal(
    summarise([
      { kind: "words", words: "Connection lost. Retrying automatically." },
      { kind: "words", words: "The connection is back" },
    ]),
    "The connection is back.",
  );
});

test("summarise() includes a run without title or duration", () => {
  assert.equal(summarise([{ kind: "completed", run: {} }]), "A run finished.");
});

/** Returns a clock that is moved by the test. */
function handClock() {
  let now = 0;
  let waiting = [];
  return {
    now: () => now,
    after: (ms, what) => waiting.push({ at: now + ms, what }),
    move(ms) {
      now += ms;
      const due = waiting.filter((timer) => timer.at <= now);
      waiting = waiting.filter((timer) => timer.at > now);
      due.forEach((timer) => timer.what());
    },
  };
}

test("announcements are gathered and keep their minimum interval", () => {
  const clock = handClock();
  const said = [];
  const announcer = new Announcer((text) => said.push(text), { everyMs: 5000, gatherMs: 400, clock });
  announcer.tell({ kind: "started", run: run("A") });
  clock.move(400);
  assert.deepEqual(said, ["A started."]);
  for (const title of ["B", "C", "D"]) announcer.tell({ kind: "completed", run: run(title) });
  clock.move(4000);
  announcer.tell({ kind: "completed", run: run("E") });
  assert.equal(said.length, 1);
  clock.move(1000);
  assert.deepEqual(said, ["A started.", "4 runs finished."]);
  clock.move(60_000);
  assert.equal(said.length, 2);
});

test("a hub that polls or lost its backend is not shown as live", () => {
  const status = new Status();
  const stands = (updates, reason = null) => status.connection({ state: "connected", updates, reason });
  const polling = "Real-time updates unavailable. Polling API instead.";
  const cut = "The hub lost its backend and tries again: refused";
  assert.equal(stands("live"), "Connected");
  assert.equal(stands("polling", polling), polling);
  assert.equal(stands("polling", polling), null);
  assert.match(status.label(0), /none running, polling$/);
  assert.equal(status.title(0), "Meterbridge");
  assert.equal(stands("cut", cut), cut);
  assert.equal(status.title(0), "⚠ no backend – Meterbridge");
  assert.match(status.label(0), /no backend$/);
  status.connection({ state: "reconnecting", updates: null, reason: "lost" });
  assert.equal(stands("cut", cut), `The connection is back. ${cut}`);
  assert.equal(stands("live"), "Events are live again");
  assert.match(status.label(0), /connected$/);
});

test("the title shows a lost connection before a failed run before running runs", () => {
  const status = new Status();
  assert.equal(status.title(0), "Meterbridge");
  status.started(run("A"));
  status.started(run("A"));
  status.started(run("B"));
  assert.equal(status.title(0), "● 2 running – Meterbridge");
  status.failed(run("B", { node: "LYRICS" }), 1000);
  assert.equal(status.title(1000), "✕ LYRICS failed, B – Meterbridge");
  assert.equal(status.title(1000 + NEWS_MS), "● 1 running – Meterbridge");
  status.connection({ state: "reconnecting", attempt: 1 });
  assert.equal(status.title(1000), "⚠ no connection – Meterbridge");
  status.connection({ state: "connected" });
  status.ended(run("A"));
  assert.equal(status.title(1000 + NEWS_MS), "Meterbridge");
});

test("a resync replaces the runs counted from events", () => {
  const status = new Status();
  status.started(run("gone"));
  status.resync({ runs: [{ run_id: "a", status: "running" }, { run_id: "b", status: "completed" }] });
  assert.equal(status.title(0), "● 1 running – Meterbridge");
  status.resync(null);
  assert.equal(status.title(0), "● 1 running – Meterbridge");
});

test("a lost connection is announced once for all attempts", () => {
  const status = new Status();
  const words = ["connecting", "connected", "reconnecting", "connecting", "reconnecting", "connected"].map(
    (state) => status.connection({ state, reason: state === "reconnecting" ? "closed by the server" : "" }),
  );
  assert.deepEqual(words, [
    null,
    "Connected",
    "Connection lost: closed by the server. Retrying automatically.",
    null,
    null,
    "The connection is back",
  ]);
  assert.equal(status.connection({ state: "failed", reason: "401" }), "No connection: 401");
});

test("a connection that was never established is not announced as lost", () => {
  const status = new Status();
  const refused = { url: "ws://studio/events", reason: "nothing is listening at studio" };
  assert.equal(
    status.connection({ state: "reconnecting", ...refused }),
    "Cannot connect: nothing is listening at studio. Retrying automatically.",
  );
  assert.equal(status.connection({ state: "connected", url: refused.url }), "Connected");
  assert.match(status.connection({ state: "reconnecting", ...refused }), /^Connection lost: /);
  assert.match(status.connection({ state: "failed", url: "ws://other", reason: "404" }), /^Cannot connect: 404/);
});

test("a card asks to sign in while the page's own server requires it", async () => {
  const canvas = new EventTarget();
  const told = [];
  let wanted = false;
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return wanted;
  };
  watchSignIn(canvas, (now) => told.push(now), { host: "hub:8080", ask });
  const stands = async (state, url = "ws://hub:8080/events") => {
    const event = new Event("meterbridge:connection");
    event.detail = { state, url };
    canvas.dispatchEvent(event);
    await null;
    await null;
    return told;
  };
  await stands("connecting");
  await stands("connected");
  assert.equal(asked, 0);
  assert.deepEqual(await stands("reconnecting"), [], "a server that is merely gone");
  wanted = true;
  assert.deepEqual(await stands("reconnecting"), [true]);
  assert.deepEqual(await stands("reconnecting"), [true], "said once");
  assert.deepEqual(await stands("connected"), [true, false]);
  assert.deepEqual(await stands("failed"), [true, false, true]);
  const before = asked;
  assert.deepEqual(await stands("failed", "ws://elsewhere:8080/events"), [true, false, true, false]);
  assert.equal(asked, before, "another server's stream is not this page's");
  assert.ok(!isOwn("", "hub:8080"));
});

test("no sign-in card appears when the connection returns before the answer", async () => {
  const canvas = new EventTarget();
  const told = [];
  let answer;
  const ask = () => new Promise((resolve) => (answer = resolve));
  watchSignIn(canvas, (now) => told.push(now), { host: "hub", ask });
  for (const state of ["reconnecting", "connected"]) {
    canvas.dispatchEvent(Object.assign(new Event("meterbridge:connection"), { detail: { state, url: "ws://hub/events" } }));
  }
  answer(true);
  await null;
  await null;
  assert.deepEqual(told, []);
});

test("every failure card has a title, two paragraphs and an action", () => {
  const all = [
    failures.noWebGl2(),
    failures.noWasm(),
    ...["offline", "unreachable", "missing", "refused", "server"].map((kind) =>
      failures.downloadFailed({ kind, message: "…" }),
    ),
    failures.scriptMissing(new Error("x")),
    failures.signInWanted(),
    failures.interrupted(new Error("x")),
    failures.notRunnable(new Error("x")),
    failures.stalled(),
    failures.mixedContent("ws://a/"),
    failures.badSettings("x"),
    failures.crashed("x", { started: true }),
    failures.crashed("x", { started: false }),
    failures.contextLost(),
  ];
  for (const failure of all) {
    assert.ok(failure.title && failure.short, failure.title);
    assert.ok(failure.text.length >= 2 && failure.text.every(Boolean), failure.title);
    assert.ok(failure.actions.length >= 1, failure.title);
  }
});

test("isOwnKey() is true for the display's keys, not the browser's", () => {
  const key = (name, held = {}) => isOwnKey({ key: name, ...held });
  for (const name of [" ", "ArrowDown", "?", "/"]) assert.ok(key(name), name);
  for (const name of ["F5", "Tab", "a", "Enter"]) assert.ok(!key(name), name);
  assert.ok(!key("ArrowLeft", { altKey: true }));
  assert.ok(!key("/", { ctrlKey: true }));
  for (const name of ["Home", "End", "ArrowLeft"]) assert.ok(key(name), name);
  for (const name of ["ArrowLeft", "ArrowRight"]) assert.ok(key(name, { ctrlKey: true }), name);
  for (const name of ["Home", "ArrowDown"]) assert.ok(!key(name, { ctrlKey: true }), name);
});

test("hasWasm() is false without SIMD", (t) => {
  assert.ok(hasWasm());
  t.mock.method(WebAssembly, "validate", (bytes) => bytes.length < 20);
  assert.ok(!hasWasm());
});

test("isKiosk() reads the query as the display does", () => {
  for (const query of ["?kiosk", "kiosk=1", "?kiosk=yes&run=1", "?kiosk=no&kiosk"]) assert.ok(isKiosk(query), query);
  for (const query of ["", "?run=kiosk", "?kiosk=0", "?kiosk=No", "?kiosk&kiosk=off"]) assert.ok(!isKiosk(query), query);
});

/** Returns a storage that lasts over several loads of the page. */
function handStore() {
  const kept = new Map();
  return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a kiosk reloads after 5 s, then twice as late each time, up to 300 s", async () => {
  const clock = handClock();
  const store = handStore();
  const waits = [];
  for (let load = 0; load < 9; load += 1) {
    let reloaded = false;
    const comeback = new Comeback({ store, clock, isThere: async () => true, reload: () => (reloaded = true) });
    const wait = comeback.begin();
    assert.equal(comeback.begin(), wait, "a second failure of the same page changes nothing");
    waits.push(wait / 1000);
    clock.move(wait - 1);
    await settled();
    assert.ok(!reloaded);
    clock.move(1);
    await settled();
    assert.ok(reloaded);
    clock.move(2_000);
  }
  assert.deepEqual(waits, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
  clock.move(600_000);
  const later = new Comeback({ store, clock, isThere: async () => true, reload() {} });
  assert.equal(later.begin(), 5_000, "what ran well for ten minutes begins anew");
});

test("a kiosk reloads only once the server answers", async () => {
  const clock = handClock();
  let there = false;
  let reloads = 0;
  const comeback = new Comeback({ store: null, clock, isThere: async () => there, reload: () => (reloads += 1) });
  clock.move(comeback.begin());
  for (let attempt = 0; attempt < 20; attempt += 1) {
    await settled();
    assert.equal(reloads, 0);
    clock.move(300_000);
  }
  there = true;
  await settled();
  clock.move(300_000);
  await settled();
  assert.equal(reloads, 1);
});

test("a kiosk reloads when the storage is forbidden", async () => {
  const refuse = () => {
    throw new Error("SecurityError");
  };
  const clock = handClock();
  let reloads = 0;
  const comeback = new Comeback({
    store: { getItem: refuse, setItem: refuse },
    clock,
    isThere: async () => true,
    reload: () => (reloads += 1),
  });
  clock.move(comeback.begin());
  await settled();
  assert.equal(reloads, 1);
  assert.equal(waitMs(1000), 300_000);
});

test("a card of a kiosk announces its reload and asks for none", () => {
  for (const failure of [failures.contextLost(), failures.crashed("x", { started: true })]) {
    const shown = comingBack(failure, 10_000);
    assert.equal(shown.title, failure.title);
    assert.match(shown.text.at(-1), /reloads automatically in 10 s/);
    assert.doesNotMatch(shown.text.join(" "), /Reload to/);
  }
});

/** Returns a minimal substitute for a document. */
function handPage() {
  const page = new EventTarget();
  page.visibilityState = "visible";
  page.fullscreenElement = null;
  return page;
}

test("full screen is requested at gestures until it was entered once", async () => {
  const page = handPage();
  const asked = [];
  const element = {
    requestFullscreen: async () => {
      asked.push("full");
      if (asked.length === 1) throw new TypeError("no gesture");
      page.fullscreenElement = element;
      page.dispatchEvent(new Event("fullscreenchange"));
    },
  };
  fillScreenOnGesture(element, { page });
  assert.deepEqual(asked, []);
  page.dispatchEvent(new Event("keydown"));
  await settled();
  page.dispatchEvent(new Event("pointerdown"));
  await settled();
  assert.equal(asked.length, 2);
  page.fullscreenElement = null;
  page.dispatchEvent(new Event("fullscreenchange"));
  page.dispatchEvent(new Event("pointerdown"));
  assert.equal(asked.length, 2);
});

test("the screen stays awake while the page is visible", async () => {
  const page = handPage();
  const told = [];
  const locks = [];
  const later = [];
  const browser = {
    wakeLock: {
      request: async (kind) => {
        assert.equal(kind, "screen");
        if (page.visibilityState !== "visible") throw new DOMException("hidden", "NotAllowedError");
        const lock = new EventTarget();
        locks.push(lock);
        return lock;
      },
    },
  };
  keepAwake((words) => told.push(words), { browser, page, secure: true, after: (what) => later.push(what) });
  await settled();
  assert.equal(locks.length, 1);
  page.visibilityState = "hidden";
  locks[0].dispatchEvent(new Event("release"));
  page.dispatchEvent(new Event("visibilitychange"));
  await settled();
  assert.equal(locks.length, 1);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  await settled();
  assert.equal(locks.length, 2);
  assert.deepEqual(told, [null]);
  // Retries scheduled a minute later find the lock already held.
  later.forEach((what) => what());
  await settled();
  assert.equal(locks.length, 2);
});

test("a refused wake lock is reported once, with the reason", async () => {
  const said = async (options) => {
    const told = [];
    const later = [];
    const page = handPage();
    keepAwake((words) => told.push(words), { page, after: (what) => later.push(what), ...options });
    await settled();
    for (const what of later.splice(0)) what();
    await settled();
    return told;
  };
  assert.match((await said({ browser: {}, secure: false })).join(), /^The screen may go dark: the page was loaded over http/);
  assert.match((await said({ browser: {}, secure: true })).join(), /^The screen may go dark: this browser cannot keep the screen on/);
  const refusing = {
    wakeLock: {
      request: async () => {
        throw new DOMException("low battery", "NotAllowedError");
      },
    },
  };
  assert.deepEqual(await said({ browser: refusing, secure: true }), [
    "The screen may go dark: the browser refused to keep it awake (NotAllowedError).",
  ]);
});

const words = (bytes) => new TextDecoder().decode(bytes);

test("all members of a gzip file are unpacked, and an incomplete last one is left out", async () => {
  const lines = Array.from({ length: 40 }, (_, nth) => `{"run_id":"r${nth}","phase":"start"}\n`);
  const members = lines.map((line) => gzipSync(line));
  assert.equal(words(await gunzip(Buffer.concat(members), "a.gz")), lines.join(""));
  const padded = Buffer.concat([members[0], Buffer.alloc(512), members[1]]);
  assert.equal(words(await gunzip(padded, "a.gz")), lines[0] + lines[1]);
  const torn = Buffer.concat([...members.slice(0, 3), members[3].subarray(0, 25)]);
  assert.equal(words(await gunzip(torn, "a.gz")), lines.slice(0, 3).join(""));
  // Data that looks like the beginning of a member ends none.
  const noise = Buffer.concat(Array.from({ length: 50 }, () => Buffer.from([0x1f, 0x8b, 8, 0, 1, 2, 3])));
  const stored = gzipSync(noise, { level: 0 });
  assert.deepEqual(Buffer.from(await gunzip(stored, "a.gz")), noise);
});

test("files are read with their names, unpacked, and told of as they are read", async () => {
  let read = 0;
  const files = [new File(["plain\n"], "a.ndjson"), new File([gzipSync("packed\n")], "b.ndjson.gz")];
  const given = await readFiles(files, { onRead: (bytes) => (read += bytes) });
  assert.deepEqual(
    given.map(({ name, bytes }) => [name, words(bytes)]),
    [
      ["a.ndjson", "plain\n"],
      ["b.ndjson.gz", "packed\n"],
    ],
  );
  assert.equal(read, files[0].size + files[1].size);
});

test("a file that cannot be read says what to do", async () => {
  const zstd = new File([new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0])], "a.ndjson.zst");
  await assert.rejects(readFiles([zstd]), (error) => {
    assert.ok(error instanceof Unreadable);
    assert.equal(
      error.message,
      "`a.ndjson.zst` is compressed with Zstandard, which a page cannot read: unpack it with `unzstd`",
    );
    return true;
  });
  const damaged = new File([new Uint8Array([0x1f, 0x8b, 8, 0, 9, 9, 9, 9, 9, 9, 9, 9])], "b.gz");
  await assert.rejects(readFiles([damaged]), /`b\.gz` cannot be unpacked: .*Unpack it with `gunzip`/);
  const gone = { name: "folder", size: 0, stream: () => new ReadableStream({ start: (to) => to.error(new Error("gone")) }) };
  await assert.rejects(readFiles([gone]), /`folder` cannot be read \(gone\)\. Does the file still exist\?/);
});

test("reading ends when it is cancelled", async () => {
  const abort = new AbortController();
  const endless = {
    name: "endless",
    size: 1,
    stream: () => new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(10)) }),
  };
  const onRead = () => abort.abort();
  await assert.rejects(readFiles([endless], { signal: abort.signal, onRead }), { name: "AbortError" });
});
