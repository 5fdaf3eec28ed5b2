// Recording in the page: in memory, and saved by the browser as a file that can be played again.

import assert from "node:assert/strict";
import fs from "node:fs";

import { browserTest } from "../support/display.mjs";
import { Studio, started } from "../support/studio.mjs";

browserTest("what a page records is saved as a recording that it can play", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: [started("before", "Paper Lanterns")] }));
  const display = await bench.open({ source: studio.url });
  await display.until("the run of before", ({ runs }) => runs.length === 1);
  await display.ask(() => window.meterbridge.record());
  await display.until("the toast", ({ view }) => view.toasts.some((toast) => toast.includes("until it is stopped")));
  studio.send(started("live", "Copper Sky"));
  await display.until("the live run", ({ runs }) => runs.length === 2);

  const saving = display.page.waitForEvent("download");
  await display.ask(() => window.meterbridge.record());
  const saved = await saving;
  assert.match(saved.suggestedFilename(), /^127\.0\.0\.1-\d+-\d{4}-\d\d-\d\d-\d{6}\.ndjson$/);
  await display.until("the summary", ({ view }) => view.toasts.some((toast) => /Recorded.* 1 message/.test(toast)));
  const text = fs.readFileSync(await saved.path(), "utf8");
  const lines = text.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines[0].recv_ms, 0);
  assert.equal(lines[0].meterbridge.recording, 1);
  assert.equal(lines[0].meterbridge.source, studio.url);
  assert.ok(Number.isFinite(Date.parse(lines[0].meterbridge.started_at)));
  const frames = lines.filter((line) => line.text !== undefined);
  assert.deepEqual(frames.map(({ text }) => JSON.parse(text).run_id), ["live"]);

  await display.ask((content) => window.meterbridge.open([new File([content], "saved.ndjson")]), text);
  const state = await display.until("the recorded run", ({ runs }) => runs.length === 1);
  assert.equal(state.runs[0].run_id, "live");
});
