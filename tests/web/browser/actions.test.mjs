// Run operations from the page through a hub, with the stand-in backend behind it.

import assert from "node:assert/strict";

import { Backend } from "../support/backend.mjs";
import { WITH_PANEL, browserTest } from "../support/display.mjs";
import { Serve, WITH_SOCKETS } from "../support/program.mjs";
import { until } from "../support/waiting.mjs";

const FOR_EVER = { node_ms: 600_000 };

/** Opens a page that may act, with a run on screen: `{backend, display, run, song}`. */
async function acting(bench, plan, { query = "actions", hub = { "allow-actions": true } } = {}) {
  const backend = await bench.use(Backend.open());
  const serve = await bench.use(Serve.start({ of: backend.url, store: "none", ...WITH_SOCKETS, ...hub }));
  const display = await bench.open({ at: serve.url, query, viewport: WITH_PANEL });
  await display.until("a connection", ({ connection }) => connection.updates === "live");
  const { run, song } = await backend.start("Copper Sky", plan);
  await display.until("the run", ({ view }) => view.run_id === run && view.title === "Copper Sky");
  return { backend, display, run, song };
}

const status = (run, wanted) => ({ runs }) => runs.find(({ run_id }) => run_id === run)?.status === wanted;

/** Presses a key and waits for its question. */
async function ask(display, key, question) {
  await display.page.keyboard.press(key);
  await display.until(`the question: ${question}`, ({ view }) => view.question === question);
}

/** Waits for a toast, which is one sentence. */
async function toast(display, pattern) {
  const shown = await display.until(`the toast ${pattern}`, ({ view }) => view.toasts.some((text) => pattern.test(text)));
  return shown.view.toasts.find((text) => pattern.test(text));
}

async function posted(backend, request) {
  await until(request, async () => (await backend.posts()).includes(request), { seen: () => backend.posts() });
}

browserTest("a run is cancelled only after the question is confirmed", async (bench) => {
  const { backend, display, run } = await acting(bench, FOR_EVER);
  const { keyboard } = display.page;
  await ask(display, "x", "cancel");
  await keyboard.press("Escape");
  await display.until("no question", ({ view }) => view.question === null);
  assert.deepEqual(await backend.posts(), []);
  await ask(display, "x", "cancel");
  await keyboard.press("Enter");
  await posted(backend, `POST /api/v1/runs/${run}/cancel`);
  await toast(display, /^Copper Sky cancel requested/);
  await display.until("it cancelled", status(run, "cancelled"));
  assert.equal((await backend.posts()).length, 1, "asked once");
});

browserTest("a started workflow shows its success; a refusal quotes the server", async (bench) => {
  const { backend, display, song } = await acting(bench, FOR_EVER);
  bench.allow(/status of 400/);
  await backend.ofClients({ node_ms: 700 });
  const { keyboard } = display.page;
  await ask(display, "n", "start");
  // The field holds the song of the run on screen.
  await keyboard.press("Enter");
  await posted(backend, "POST /api/v1/runs");
  await toast(display, /^Copper Sky started/);
  const told = await display.untilTold("run-completed");
  assert.equal(told.title, "Copper Sky");
  // The stage shows the run itself, so that no toast says it again.
  const { view } = await display.until("no toast", (state) => state.view.toasts.length === 0);
  assert.equal(view.run_id, told.run_id);
  const runs = (await display.state()).runs.filter((known) => known.song_id === song);
  assert.equal(runs.length, 2);

  const before = (await backend.posts()).length;
  await ask(display, "n", "start");
  // Another song's id, which the backend does not have.
  await keyboard.press("Backspace");
  await keyboard.type(song.endsWith("0") ? "1" : "0");
  await keyboard.press("Enter");
  const words = await toast(display, /could not be started: /);
  assert.match(words, /ForeignKeyViolation/);
  assert.equal((await backend.posts()).length, before + 1);
});

browserTest("a failed run is retried, and the new run executed", async (bench) => {
  const { backend, display, run } = await acting(bench, { node_ms: 2000, fails: "LYRICS" });
  await display.until("the failure", status(run, "failed"));
  // The stage shows the failure itself, so that no toast says it again.
  assert.deepEqual((await display.state()).view.toasts, []);
  const { keyboard } = display.page;
  await ask(display, "r", "retry");
  await keyboard.press("Enter");
  await posted(backend, `POST /api/v1/runs/${run}/retry`);
  const { view } = await display.until("the new run", ({ view }) => view.run_id !== run && view.run_id !== null);
  await display.until("it waiting", status(view.run_id, "pending"));
  await ask(display, "e", "execute");
  await keyboard.press("Enter");
  await posted(backend, `POST /api/v1/runs/${view.run_id}/execute`);
  await display.until("it going", status(view.run_id, "running"));
});

for (const [why, given] of [
  ["the page's address does not ask for it", { query: "" }],
  ["the hub does not allow it", { hub: {} }],
]) {
  browserTest(`run operations are unavailable where ${why}`, async (bench) => {
    const { backend, display } = await acting(bench, FOR_EVER, given);
    const { keyboard } = display.page;
    for (const key of ["x", "n", "r", "e", "Enter", "p"]) await keyboard.press(key);
    // Keys are handled in order, so all earlier ones were handled when the panel opens.
    const { view } = await display.until("the panel", (state) => state.view.panel);
    assert.equal(view.question, null);
    assert.deepEqual(await backend.posts(), []);
  });
}
