// Connection of the page to its server: connecting, loss, reconnecting.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

import { NO_SERVER, SMALL, WITH_PANEL, browserTest } from "../support/display.mjs";
import { middleOf } from "../support/pictures.mjs";
import { Serve, inspect } from "../support/program.mjs";
import { Relay } from "../support/relay.mjs";
import { Studio, completed, event, started } from "../support/studio.mjs";
import { until } from "../support/waiting.mjs";
import { Witness } from "../support/witness.mjs";

browserTest("a served page connects by itself, and runs complete and fail in it", async (bench) => {
  const serve = await bench.use(Serve.start({ speed: 20 }));
  const display = await bench.open({ at: serve.url });
  await display.until("a connection", (state) => state.connection.state === "connected");
  assert.equal((await display.state()).connection.url, serve.events);
  assert.deepEqual(await display.connections(), ["connecting", "connected"]);

  const done = await display.untilTold("run-completed", (run) => run.live);
  assert.ok(done.title, "a title");
  assert.ok(done.duration_ms > 0, "a duration");
  const failure = await display.untilTold("run-failed", (run) => run.live);
  assert.ok(failure.node, "the node that failed");
  assert.ok(failure.message, "why it failed");

  const { runs, malformed } = await display.state();
  assert.equal(malformed, 0);
  const statusOf = (id) => runs.find((run) => run.run_id === id)?.status;
  assert.equal(statusOf(done.run_id), "completed");
  assert.equal(statusOf(failure.run_id), "failed");
});

browserTest("after a network failure the page shows the same as an undisturbed viewer", async (bench) => {
  const serve = await bench.use(Serve.start({ speed: 10, seed: 11 }));
  const relay = await bench.use(Relay.to(serve.port));
  bench.allow(NO_SERVER);
  const display = await bench.open({ at: relay.url, query: "reconnect-delay=1&max-reconnect-attempts=0" });
  const before = await display.until("events", (state) => state.events > 20);
  // The server replays at most what the page was sent.
  const witness = await bench.use(Witness.of(serve.events));

  await relay.cut();
  await display.untilTold("connection", ({ state, attempt }) => state === "reconnecting" && attempt >= 2);
  // Only the witness receives the next events.
  const seen = witness.frames.length;
  await until("events in the absence of the page", () => witness.frames.length > seen + 20);
  await relay.mend();
  await display.until("the connection", ({ connection }) => connection.state === "connected");
  await until("events since", async () => (await display.state()).events > before.events + 40);

  serve.freeze();
  const lost = async () => differing(await display.state(), await inspect(witness.frames));
  await until("the runs of an undisturbed viewer", async () => (await lost()).length === 0, { seen: lost });
  assert.equal((await display.state()).connection.dropped, 0);

  const stood = await display.connections();
  const attempts = stood.slice(2, -1);
  assert.ok(attempts.length >= 2, `${stood}: attempts are counted`);
  const counted = attempts.map((_, index) => `reconnecting ${index + 1}/0`);
  assert.deepEqual(stood, ["connecting", "connected", ...counted, "connected"]);
});

/** Returns the runs that differ from the expected ones. */
function differing(known, expected) {
  return expected.runs
    .map((run) => ({ expected: run, known: known.runs.find(({ run_id }) => run_id === run.run_id) }))
    .filter(({ expected, known }) => !isDeepStrictEqual(known, expected));
}

browserTest("the page reconnects to a restarted server", async (bench) => {
  const first = await bench.use(Serve.start({ speed: 20 }));
  bench.allow(NO_SERVER);
  const display = await bench.open({ at: first.url, query: "reconnect-delay=1&max-reconnect-attempts=0" });
  await display.until("a run", ({ runs }) => runs.length > 0);
  await first.stop();
  const { reason } = await display.untilTold("connection", ({ state }) => state === "reconnecting");
  assert.match(reason, /closed by the server.*1001/);
  await display.untilTold("connection", ({ attempt }) => attempt >= 2);
  const before = await display.state();

  await bench.use(Serve.start({ speed: 20, seed: 99, port: first.port }));
  const after = await display.until("new runs", ({ runs }) => runs.length > before.runs.length);
  assert.equal(after.connection.state, "connected");
  // The runs on screen stay.
  const ids = after.runs.map((run) => run.run_id);
  assert.ok(before.runs.every((run) => ids.includes(run.run_id)));
});

browserTest("after five failed attempts the page shows the reason and a Reconnect button", async (bench) => {
  const studio = await bench.use(Studio.open());
  studio.send(started("a", "Copper Sky"));
  bench.allow(NO_SERVER);
  const display = await bench.open({
    source: studio.url,
    query: "reconnect-delay=1",
    viewport: WITH_PANEL,
  });
  await display.until("the run", ({ runs }) => runs.length === 1);
  await studio.stop();
  const { reason } = await display.untilTold("connection", ({ state }) => state === "failed");
  assert.match(reason, /^cannot reach 127\.0\.0\.1:\d+: .*Is the backend running/);
  const stood = await display.connections();
  assert.deepEqual(stood, [
    "connecting",
    "connected",
    ...[1, 2, 3, 4, 5].map((attempt) => `reconnecting ${attempt}/5`),
    "failed",
  ]);
  assert.equal(await display.sockets(), 1 + 5);

  await studio.start();
  await display.page.keyboard.press("p");
  await display.until("the panel", ({ view }) => view.panel);
  // Only the Reconnect button is violet while no run is running.
  const button = await until("the Reconnect button", async () =>
    middleOf(await display.page.screenshot({ clip: { x: 960, y: 40, width: 320, height: 170 } }), VIOLET),
  );
  await display.page.mouse.click(960 + button.x, 40 + button.y);
  const { runs } = await display.until("the connection", ({ connection }) => connection.state === "connected");
  assert.equal(studio.connections, 2);
  assert.deepEqual(
    runs.map((run) => run.run_id),
    ["a"],
  );
});

/** `violet` of src/app/theme/dark.rs. */
const VIOLET = [0x5b, 0x45, 0xd8];

browserTest("a refused page does not retry", async (bench) => {
  const studio = await bench.use(
    Studio.open({ onViewer: (socket) => socket.close(1008, "Missing run_id query parameter") }),
  );
  const display = await bench.open({ source: studio.url, query: "reconnect-delay=0" });
  const { reason } = await display.untilTold("connection", ({ state }) => state === "failed");
  assert.equal(reason, "closed by the server: Missing run_id query parameter (1008)");
  assert.ok(!(await display.connections()).some((state) => state.startsWith("reconnecting")));
  assert.equal(await display.sockets(), 1);
});

browserTest("the page makes no attempts while offline, and one as soon as it is online", async (bench) => {
  const studio = await bench.use(Studio.open());
  bench.allow(NO_SERVER);
  const visitor = await bench.visitor({ viewport: SMALL });
  const display = await bench.open({
    source: studio.url,
    visitor,
    query: "reconnect-delay=0.2&max-reconnect-attempts=0",
  });
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  await studio.stop();
  await display.until("an attempt", ({ connection }) => connection.attempt >= 1);
  await visitor.setOffline(true);
  // Let attempts in progress end.
  const settled = await quiet(display);
  await studio.start();
  const { connection } = await display.state();
  assert.equal(connection.state, "reconnecting");
  assert.equal(await display.sockets(), settled, "attempts without a network");
  await visitor.setOffline(false);
  await display.until("the connection", (state) => state.connection.state === "connected");
  assert.equal(await display.sockets(), settled + 1);
});

/**
 * Waits until no socket was opened for ten of the shortest delays; resolves with the number of sockets.
 */
async function quiet(display) {
  let count = -1;
  let since = 0;
  return until("no more attempts", async () => {
    const now = await display.sockets();
    if (now !== count) [count, since] = [now, performance.now()];
    return performance.now() - since > 2000 && count;
  });
}

browserTest("the page reconnects after it was offline", async (bench) => {
  const studio = await bench.use(Studio.open());
  const visitor = await bench.visitor();
  const display = await bench.open({ source: studio.url, visitor, query: "reconnect-delay=0.2" });
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  await visitor.setOffline(true);
  // Without a network the page does not receive these events.
  studio.replay.push(started("b", "Velvet Engine"), event("b", "PLAN", "start"), completed("b"));
  await visitor.setOffline(false);
  await display.until("what was missed", ({ runs }) => runs[0]?.status === "completed");
  assert.equal(studio.connections, 2);
});

browserTest("scripts connect and disconnect", async (bench) => {
  const studio = await bench.use(Studio.open());
  const other = await bench.use(Studio.open({ replay: [started("other", "Paper Lanterns")] }));
  const display = await bench.open({ source: studio.url });
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  await display.ask(() => window.meterbridge.disconnect());
  await display.until("its end", ({ connection }) => connection.state === "disconnected");
  await until("the server's knowing of it", () => studio.viewers.length === 0);
  await display.ask((url) => window.meterbridge.connect(url), other.url);
  await display.until("the other's run", ({ runs }) => runs[0]?.run_id === "other");
  const refusal = await display.ask(() => {
    try {
      return window.meterbridge.connect("studio");
    } catch (error) {
      return error.message;
    }
  });
  assert.match(refusal, /ws:\/\//);
  assert.equal((await display.state()).connection.url, other.url);
});
