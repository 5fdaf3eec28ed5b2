// A hidden page while many events arrive. support/tab.mjs explains how it is hidden.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { browserTest } from "../support/display.mjs";
import { Studio, completed, event, started } from "../support/studio.mjs";
import { Window } from "../support/tab.mjs";
import { until } from "../support/waiting.mjs";

const EVENTS_A_SECOND = 1000;
const SECONDS = 30;
const MIB = 1 << 20;

const runs = Array.from({ length: 40 }, (_, index) => `run-${index}`);

/** Opens the page on `studio` in a tab, and another tab above it. */
async function hiddenPage(bench, studio, { query = "", known = 0 } = {}) {
  const window = await bench.use(Window.open());
  const tab = await window.tab(`${await bench.pageUrl()}?source=${encodeURIComponent(studio.url)}${query}`);
  await until("the first picture", () => tab.ask("window.recorded?.told.some(({name}) => name === 'ready')"), {
    patienceMs: 120_000,
  });
  await tab.until("a connection", ({ connection, runs }) => connection.state === "connected" && runs.length === known);
  await tab.ask(`
    window.pictures = 0;
    (function count() { window.pictures += 1; requestAnimationFrame(count); })()
  `);
  await window.tab();
  await until("a hidden page", () => tab.ask("document.visibilityState === 'hidden'"));
  return tab;
}

browserTest("a page hidden under 1,000 events per second stays small and shows all of them when visible again", async (bench) => {
  const studio = await bench.use(Studio.open({ keeps: false }));
  const tab = await hiddenPage(bench, studio);
  studio.send(...runs.map((run) => started(run, run)));
  let sent = runs.length;
  const [memory, pictures] = await tab.ask("[window.recorded.memoryBytes(), window.pictures]");
  const begun = performance.now();
  while (performance.now() - begun < SECONDS * 1000) {
    const due = Math.floor(((performance.now() - begun) / 1000) * EVENTS_A_SECOND) + runs.length;
    for (; sent < due; sent += 1) {
      studio.send(event(runs[sent % runs.length], "LYRICS", "progress", { data: { message: `Line ${sent}` } }));
    }
    await pause(10);
  }
  studio.send(...runs.map((run) => completed(run)));
  sent += runs.length;
  // The server's sockets are empty once the page has received everything.
  await until("all frames in the page", () => studio.viewers.every((socket) => socket.bufferedAmount === 0));
  assert.equal(await tab.ask("document.visibilityState"), "hidden");
  assert.ok((await tab.ask("window.pictures")) - pictures < 5, "no pictures were drawn");
  const grown = (await tab.ask("window.recorded.memoryBytes()")) - memory;
  assert.ok(grown < 96 * MIB, `${grown / MIB} MiB more`);

  await tab.show();
  await until("a picture", async () => (await tab.ask("window.pictures")) > pictures + 1);
  const [first, drawnAt] = [await tab.ask("window.pictures"), performance.now()];
  const counts = ({ frames, connection }) => frames + connection.dropped;
  const state = await tab.until("all that was sent", (state) => counts(state) >= sent);
  const took = (await tab.ask("window.pictures")) - first;
  bench.note(`all after ${took} pictures, ${(performance.now() - drawnAt).toFixed(0)} ms`);
  assert.equal(counts(state), sent);
  assert.equal(state.connection.dropped, 0);
  assert.equal(studio.connections, 1);
  assert.ok(state.runs.every((run) => run.status === "completed"));
  assert.equal(state.runs.length, runs.length);
  assert.ok(took <= MOST_PICTURES, `${took} pictures after the first`);
});

/** Most pictures after the first until the latest state is drawn: one second at 60 per second. */
const MOST_PICTURES = 60;

browserTest("events beyond a hidden page's limit are dropped, counted and fetched again", async (bench) => {
  // Like a backend, the studio keeps all events and replays them to new viewers.
  const studio = await bench.use(Studio.open({ replay: runs.map((run) => started(run, run)) }));
  const tab = await hiddenPage(bench, studio, { query: "&reconnect-delay=0.1", known: runs.length });
  const memory = await tab.ask("window.recorded.memoryBytes()");
  const ends = runs.map((run) => completed(run));
  let sent = runs.length;
  // These events are too large to be kept for the replay; the ends of the runs are kept.
  studio.keeps = false;
  for (; sent < runs.length + 100; sent += 1) {
    studio.send(event(runs[sent % runs.length], "LYRICS", "progress", { data: { message: "x".repeat(512 << 10) } }));
    await pause(5);
  }
  studio.keeps = true;
  studio.send(...ends);
  const grown = (await tab.ask("window.recorded.memoryBytes()")) - memory;
  await tab.show();
  const state = await tab.until("the ends of all runs", ({ runs: known }) =>
    known.every((run) => run.status === "completed"),
  );
  bench.note(`${state.connection.dropped} dropped, ${grown / MIB} MiB more`);
  assert.ok(state.connection.dropped > 0, "frames were dropped");
  assert.ok(grown < 160 * MIB, `${grown / MIB} MiB more`);
  assert.equal(state.runs.length, runs.length);
  assert.equal(studio.connections, 2);
  assert.equal(state.connection.state, "connected");
});
