// Controls of the page, by keys and by scripts.

import assert from "node:assert/strict";

import { SMALL, WITH_PANEL, browserTest } from "../support/display.mjs";
import { Studio, event, started } from "../support/studio.mjs";

/** Three running runs, "c" the newest; in one frame, so that "c" is shown first. */
const threeRuns = () => {
  const events = ["a", "b", "c"].flatMap((run, index) => {
    const ts = new Date(Date.now() - 30_000 + 5000 * index).toISOString();
    return [event(run, null, "start", { ts, data: { song_title: `Song ${run}` } }), event(run, "PLAN", "start", { ts })];
  });
  return [`[${events.join(",")}]`];
};

const shown = (run_id) => (state) => state.view.run_id === run_id;

browserTest("keys choose the run without scrolling the page", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: threeRuns() }));
  const display = await bench.open({ source: studio.url, viewport: SMALL });
  const { keyboard } = display.page;
  const { view } = await display.until("the newest run", shown("c"));
  assert.ok(view.following);
  await keyboard.press("ArrowDown");
  assert.ok(!(await display.until("the next run", shown("b"))).view.following);
  await keyboard.press("ArrowDown");
  await display.until("the one after it", shown("a"));
  // The list does not wrap.
  await keyboard.press("ArrowDown");
  await keyboard.press("ArrowUp");
  await display.until("the run before", shown("b"));
  await keyboard.press("k");
  await display.until("following", (state) => state.view.following);
  await keyboard.press("k");
  await display.until("staying", (state) => !state.view.following && state.view.run_id === "b");
  await keyboard.press("Escape");
  await display.until("the newest again", (state) => state.view.following && state.view.run_id === "c");
  for (const key of ["Space", "Space", "PageDown", "End", "ArrowDown"]) await keyboard.press(key);
  await display.until("all of it done", (state) => state.view.run_id === "b");
  const scrolled = await display.ask(() => [
    scrollX,
    scrollY,
    document.documentElement.scrollHeight - innerHeight,
    document.documentElement.scrollWidth - innerWidth,
  ]);
  assert.deepEqual(scrolled, [0, 0, 0, 0]);
});

browserTest("keys go back in time and to live again while the stream goes on", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: threeRuns() }));
  const display = await bench.open({ source: studio.url, viewport: SMALL });
  const { keyboard } = display.page;
  const live = await display.until("the newest run", shown("c"));
  assert.equal(live.view.rewound_to, null);
  await keyboard.press("Space");
  const paused = await display.until("a picture that stands still", ({ view }) => view.paused);
  studio.send(started("d", "Song d"));
  await keyboard.press("ArrowLeft");
  const earlier = ({ view }) => view.rewound_to !== null && view.rewound_to < paused.view.rewound_to;
  const { runs } = await display.until("an earlier moment", earlier);
  assert.ok(runs.length < 4, "what came meanwhile is not shown");
  await keyboard.press("l");
  await display.until("the present", ({ view, runs }) => view.rewound_to === null && runs.length === 4);
});

browserTest("Esc closes the help before the panel", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: threeRuns() }));
  const display = await bench.open({ source: studio.url, viewport: WITH_PANEL });
  const { keyboard } = display.page;
  await display.until("a run", shown("c"));
  await keyboard.press("p");
  await display.until("the panel", ({ view }) => view.panel);
  await keyboard.press("?");
  await keyboard.press("Escape");
  await keyboard.press("ArrowDown");
  // Keys are handled in order, so the first Esc was handled.
  const { view } = await display.until("the next run", shown("b"));
  assert.ok(view.panel, "the panel is still there");
  await keyboard.press("Escape");
  await display.until("no panel", (state) => !state.view.panel);
});

browserTest("a deep link shows its run, and link() makes one", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: threeRuns() }));
  const secret = studio.url.replace("ws://", "ws://me:hunter2@") + "?token=sesame&all=1";
  const display = await bench.open({
    source: secret,
    query: "run=a&panel&reconnect-delay=0.5",
    viewport: WITH_PANEL,
  });
  const { view, connection } = await display.until("the runs", ({ runs }) => runs.length === 3);
  assert.deepEqual([view.run_id, view.following, view.panel], ["a", false, true]);
  assert.doesNotMatch(JSON.stringify(connection), /hunter2|sesame/);
  // A newer run does not replace it.
  studio.send(started("d", "Song d"));
  await display.until("the new run", ({ runs }) => runs.length === 4);
  assert.equal((await display.state()).view.run_id, "a");

  await display.ask(() => window.meterbridge.select("b"));
  await display.until("the run selected", shown("b"));
  const link = new URL(await display.ask(() => window.meterbridge.link()));
  assert.equal(link.origin + link.pathname, await display.ask(() => location.origin + location.pathname));
  assert.equal(link.searchParams.get("run"), "b");
  assert.equal(link.searchParams.get("panel"), "yes");
  assert.equal(link.searchParams.get("reconnect-delay"), "0.5");
  assert.equal(link.searchParams.get("source"), `${studio.url}?all=1`);

  await display.ask(() => window.meterbridge.select());
  await display.until("following", (state) => state.view.following && state.view.run_id === "d");
  assert.equal(new URL(await display.ask(() => window.meterbridge.link())).searchParams.get("run"), null);

  // Two drawing pages would compete for the processor.
  await display.page.close();
  const other = await bench.open({ at: String(link), viewport: WITH_PANEL });
  const there = await other.until("the runs there", ({ runs }) => runs.length === 4);
  assert.deepEqual([there.view.run_id, there.view.following, there.view.panel], ["b", false, true]);
});

browserTest("the browser's preference for reduced motion is respected", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: threeRuns() }));
  const visitor = await bench.visitor({ reducedMotion: "reduce" });
  const display = await bench.open({ source: studio.url, visitor });
  await display.until("calm", ({ view }) => view.reduced_motion);
  await display.page.emulateMedia({ reducedMotion: "no-preference" });
  await display.until("motion", ({ view }) => !view.reduced_motion);
});
