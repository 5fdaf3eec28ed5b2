// The page served by a hub, with the stand-in backend behind it.

import assert from "node:assert/strict";

import { Backend } from "../support/backend.mjs";
import { NO_SERVER, browserTest } from "../support/display.mjs";
import { Serve, WITH_SOCKETS } from "../support/program.mjs";
import { until } from "../support/waiting.mjs";

/** Starts a backend and a hub in front of it. */
async function studio(bench, options = {}) {
  const backend = await bench.use(Backend.open());
  const start = (more = {}) =>
    Serve.start({ of: backend.url, store: "none", ...WITH_SOCKETS, ...options, ...more });
  return { backend, start, hub: await bench.use(start()) };
}

/** Node durations long enough for the hub, which asks for new runs every one to two seconds. */
const SEEN = { node_ms: 700 };

const runOf = (state, id) => state.runs?.find(({ run_id }) => run_id === id);
const nodeOf = (run, name) => run?.nodes.find((node) => node.name === name);

/** Returns a condition on the state: run `id` has this status. */
const knows = (id, status) => (state) => runOf(state, id)?.status === status;

browserTest("a page from a hub shows songs' titles and events", async (bench) => {
  const { backend, hub } = await studio(bench);
  const display = await bench.open({ at: hub.url });
  const { connection } = await display.until("a connection", (state) => state.connection.state === "connected");
  assert.equal(connection.url, hub.events);
  const { run } = await backend.start("Copper Sky", SEEN);
  await display.until("the title on screen", ({ view }) => view.run_id === run && view.title === "Copper Sky");
  await display.until("the run's end", knows(run, "completed"));
  assert.equal((await display.untilTold("run-completed", (told) => told.run_id === run)).title, "Copper Sky");
  const failed = await backend.start("Velvet Engine", { node_ms: 1200, fails: "LYRICS" });
  const told = await display.untilTold("run-failed", ({ run_id }) => run_id === failed.run);
  assert.deepEqual([told.title, told.node, told.live], ["Velvet Engine", "LYRICS", true]);
  assert.match(told.message, /LLM call timed out/);
});

browserTest("a late page goes back in time to before it was opened, by asking its hub", async (bench) => {
  const { backend, hub } = await studio(bench);
  const early = await bench.open({ at: hub.url });
  await early.until("a connection", ({ connection }) => connection.updates === "live");
  const { run } = await backend.start("Copper Sky", { node_ms: 2_000 });
  const succeeded = (state) => nodeOf(runOf(state, run), "PLAN")?.status === "success";
  await early.until("the first step", succeeded);
  const then = new Date();
  await early.until("the run's end", knows(run, "completed"));
  await early.page.close();
  const late = await bench.open({ at: hub.url });
  await late.until("the run's end", knows(run, "completed"));
  await late.ask((at) => window.meterbridge.rewind(new Date(at)), then.toISOString());
  const at = ({ view }) => view.rewound_to !== null && Date.parse(view.rewound_to) === then.getTime();
  const state = await late.until("the moment", at);
  assert.equal(nodeOf(runOf(state, run), "PLAN").status, "success");
  assert.notEqual(runOf(state, run).status, "completed");
  await late.ask(() => window.meterbridge.rewind());
  await late.until("the present", (live) => live.view.rewound_to === null && knows(run, "completed")(live));
});

browserTest("a late page shows nodes that the backend has forgotten", async (bench) => {
  const { backend, hub } = await studio(bench);
  const early = await bench.open({ at: hub.url });
  await early.until("a connection", ({ connection }) => connection.updates === "live");
  // Long enough for the hub to have its socket before PLAN ends, also on a busy machine.
  const { run } = await backend.start("Paper Lanterns", { node_ms: 2_500, fails: "COMPOSE" });
  const seen = await early.until("the failure", knows(run, "failed"));
  await early.page.close();
  const late = await bench.open({ at: hub.url });
  const there = await late.until("the failure", knows(run, "failed"));
  const told = (state) => runOf(state, run).nodes.map(({ name, status, attempts }) => [name, status, attempts]);
  assert.deepEqual(told(there), told(seen));
  // Events, not REST, delivered these nodes: a backend replays neither nodes nor failures.
  const compose = nodeOf(runOf(there, run), "COMPOSE");
  assert.deepEqual([compose.status, compose.attempts, compose.from_rest], ["failed", 1, false]);
  assert.match(compose.error, /LLM call timed out/);
  assert.equal(nodeOf(runOf(there, run), "LYRICS").status, "success");
  assert.equal(runOf(there, run).events, runOf(seen, run).events);
  // Earlier events are not announced as news.
  assert.ok((await late.told()).every(({ detail }) => detail?.run_id !== run || detail.live === false));
});

const POLLING = "Real-time updates unavailable. Polling API instead.";

browserTest("the page shows that the hub polls while sockets are refused", async (bench) => {
  const { backend, hub } = await studio(bench);
  await backend.refuseSockets(true);
  const display = await bench.open({ at: hub.url });
  const { run } = await backend.start("Midnight Ferry", { node_ms: 2500 });
  const shown = await display.until("the band", ({ view }) => view.notice === POLLING);
  assert.deepEqual([shown.connection.state, shown.connection.updates], ["connected", "polling"]);
  const label = () => display.page.locator("canvas").getAttribute("aria-label");
  await until("the label", async () => /polling$/.test(await label()), { seen: label });
  // The run continues all the same.
  await display.until("the run's end", knows(run, "completed"));
  await backend.refuseSockets(false);
  const next = await backend.start("Glass Orchard", { node_ms: 2500 });
  const styled = (state) => nodeOf(runOf(state, next.run), "STYLE");
  const after = await display.until("a node", (state) => styled(state)?.status === "success");
  assert.deepEqual([after.view.notice, after.connection.updates], [null, "live"]);
  assert.ok(!styled(after).from_rest, "an event told of it");
});

/** True when a run has ended, and REST has told its scores and the durations of its nodes, shortly after. */
function isComplete(state, run) {
  const nodes = runOf(state, run)?.nodes ?? [];
  const isTold = ({ name, status, duration_ms: took, scores }) =>
    status === "skipped" || (status === "success" && took !== null && (name !== "VALIDATE" || scores !== null));
  return knows(run, "completed")(state) && nodes.length > 0 && nodes.every(isTold);
}

browserTest("a killed and restarted hub loses and repeats nothing", async (bench) => {
  const store = bench.file("hub.sqlite");
  const { backend, hub, start } = await studio(bench, { store });
  bench.allow(NO_SERVER);
  const display = await bench.open({ at: hub.url, query: "reconnect-delay=0.5&max-reconnect-attempts=0" });
  const first = await backend.start("Slow Satellites", SEEN);
  const second = await backend.start("Harbour Lights", { node_ms: 2000 });
  const before = await display.until(
    "one run's end and another's begin",
    (state) => isComplete(state, first.run) && nodeOf(runOf(state, second.run), "STYLE")?.status === "success",
  );
  await hub.kill();
  await display.until("the loss", ({ connection }) => connection.state === "reconnecting");
  // No viewer receives the next events.
  await until("three nodes more", async () => (await backend.run(second.run)).executions.length >= 5);
  await bench.use(start({ port: hub.port }));
  const after = await display.until("the run's end", (state) => isComplete(state, second.run));
  assert.equal(after.connection.updates, "live");
  assert.equal(after.malformed, 0);
  assert.equal(after.duplicates, before.duplicates, "events that came twice");
  assert.equal(after.runs.length, before.runs.length);
  assert.deepEqual(runOf(after, first.run), runOf(before, first.run));
  // The missed nodes are there, from the hub's store or from the backend's REST.
  assert.ok(runOf(after, second.run).nodes.every(({ status }) => ["success", "skipped"].includes(status)));
  // A new page receives the same.
  await display.page.close();
  const late = await bench.open({ at: hub.url });
  const there = await late.until(
    "both runs' ends",
    (state) => isComplete(state, first.run) && isComplete(state, second.run),
  );
  for (const { run } of [first, second]) {
    assert.deepEqual(runOf(there, run).nodes, runOf(after, run).nodes);
  }
});

browserTest("a hub without its backend says so and keeps its runs", async (bench) => {
  const { backend, hub } = await studio(bench, { "reconnect-delay": 0.5 });
  const display = await bench.open({ at: hub.url });
  const { run } = await backend.start("Neon Rain", SEEN);
  await display.until("the run's end", knows(run, "completed"));
  await backend.kill();
  const lost = await display.until("the loss", ({ connection }) => connection.updates === "cut");
  assert.equal(lost.connection.state, "connected");
  assert.match(lost.connection.reason, /^The hub lost its backend/);
  await display.until("the band", ({ view }) => /The hub lost its backend/.test(view.notice ?? ""));
  assert.ok(knows(run, "completed")(lost));
  await until("the title", async () => /^⚠ no backend/.test(await display.page.title()));
  // A new page shows the loss as well.
  const late = await bench.open({ at: hub.url });
  await late.until("the loss", (state) => state.connection.updates === "cut" && knows(run, "completed")(state));
  await late.page.close();
  await backend.up();
  await display.until("no band", ({ connection, view }) => connection.updates === "live" && view.notice === null);
  const next = await backend.start("Copper Sky", SEEN);
  await display.until("news", knows(next.run, "completed"));
});

browserTest("the backend's REST is readable at the page's own origin, without actions", async (bench) => {
  const { backend, hub } = await studio(bench);
  bench.allow(/status of 403/);
  const { run } = await backend.start("Harbour Lights", { node_ms: 600_000 });
  const display = await bench.open({ at: hub.url });
  const ask = (path, method = "GET") =>
    display.ask(
      async ({ path, method }) => {
        const answer = await fetch(path, { method });
        return { status: answer.status, body: await answer.json() };
      },
      { path: `/api/v1/${path}`, method },
    );
  const there = await ask(`runs/${run}`);
  assert.deepEqual([there.status, there.body.run_id, there.body.status], [200, run, "running"]);
  const refused = await ask(`runs/${run}/cancel`, "POST");
  assert.equal(refused.status, 403);
  assert.match(refused.body.detail, /--allow-actions/);
  assert.deepEqual(await backend.posts(), []);
});
