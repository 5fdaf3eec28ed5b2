// Comparison of the page's pictures with the native program's: same recordings, same moment.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { browserTest } from "../support/display.mjs";
import { difference, keep } from "../support/pictures.mjs";
import { ROOT, snapshot } from "../support/program.mjs";
import { Studio } from "../support/studio.mjs";

const SIZES = [
  { width: 1280, height: 720 },
  { width: 1920, height: 1080 },
];
/**
 * Areas left out: left, top, right and bottom, from 0 to 1. The light shows LIVE in the page and REPLAY
 * natively, and the first meter shows events per second: in the page all frames arrive at once.
 */
const LIGHT = [0.78, 0.83, 1, 1];
const EVENTS_A_SECOND = [0.02, 0.83, 0.215, 1];
/** Allowed difference of edges between two renderers; any visible difference is far above it. */
const MOST = { mean: 0.6, far: 0.004 };

/** Returns a recording's frames and the time of the last one. */
function scene(name) {
  const file = path.join(ROOT, "tests/fixtures/scenes", `${name}.ndjson`);
  const lines = fs.readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return { file, frames: lines.map((line) => line.text), lastMs: lines.at(-1).recv_ms };
}

/** Returns the time at the end of a recording: that of its last event, plus the time after it. */
function endOf({ file, lastMs }) {
  const timed = fs
    .readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .flatMap(({ recv_ms, text }) => [JSON.parse(text)].flat().map((event) => ({ recv_ms, ts: Date.parse(event.ts) })))
    .filter(({ ts }) => ts);
  const { recv_ms, ts } = timed.at(-1);
  return ts + lastMs - recv_ms;
}

/** Waits for a picture that no longer changes: cables are drawn, meters at rest. */
async function still(page) {
  let last = null;
  for (;;) {
    const now = await page.screenshot({ timeout: 60_000 });
    if (last?.equals(now)) return now;
    last = now;
    await pause(500);
  }
}

for (const name of ["completed", "failed"]) {
  for (const size of SIZES) {
    browserTest(`${name} looks like the native picture at ${size.width}×${size.height}`, async (bench) => {
      const { file, frames, lastMs } = scene(name);
      const studio = await bench.use(Studio.open({ replay: frames }));
      const display = await bench.open({
        source: studio.url,
        query: "reduced-motion",
        viewport: size,
        fixedTime: endOf({ file, lastMs }),
      });
      await display.until("all frames", (state) => state.frames === frames.length);
      // Animations of new elements end with the next second.
      await display.ask(() => (window.timeOfDay += 1000));
      const shown = await still(display.page);
      const into = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "meterbridge-native-")), `${name}.png`);
      const expected = await snapshot(file, size, into);
      fs.rmSync(path.dirname(into), { recursive: true });
      const { mean, far, image } = await difference(shown, expected, [LIGHT, EVENTS_A_SECOND]);
      bench.note(`mean ${mean.toFixed(3)}, far ${far.toFixed(5)}`);
      if (mean > MOST.mean || far > MOST.far) {
        const folder = keep({ page: shown, native: expected, difference: image });
        assert.fail(`mean ${mean}, far ${far}; the pictures are in ${folder}`);
      }
    });
  }
}
