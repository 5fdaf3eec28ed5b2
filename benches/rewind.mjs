// Endurance test of going back in time in the page: a demo studio behind a hub, one page of it, and at
// random moments a jump into the past, a pause or the way back to live. Every minute its memory.
//
//     node benches/rewind.mjs [MINUTES [WIDTHxHEIGHT]]
//
// Needed: the same as for tests/web/browser/all.mjs. Memory is that of the wasm, which never shrinks, and
// the heap of scripts after a collection. The bounds on runs and log are small enough to be reached within
// the first minutes. The exit status is 1 if the wasm grew by more than a twentieth between the end of
// the first third and the end.

import { setTimeout as pause } from "node:timers/promises";

import { browser, closeBrowser } from "../tests/web/support/browser.mjs";
import { Serve } from "../tests/web/support/program.mjs";
import { record } from "../tests/web/support/recorder.mjs";

const MINUTES = Number(process.argv[2] ?? 60);
const [width, height] = (process.argv[3] ?? "320x240").split("x").map(Number);
const BOUNDS = "keep-runs=300&keep-events=5000";
const GROWTH = 0.05;
/** Longest time between two jumps. */
const JUMP_MS = 4_000;
/** How far back jumps go. */
const BACK_MS = 180_000;
const SEED = 7;

/** Numbers from 0 to 1, the same in each run. */
function seeded(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = seeded(SEED);

/** Does something that a person at the display might do. */
function jump(page) {
  const choice = random();
  if (choice < 0.25) return page.evaluate(() => window.meterbridge.rewind());
  if (choice < 0.35) return page.evaluate(() => window.meterbridge.pause());
  if (choice < 0.45) return page.evaluate(() => window.meterbridge.play());
  if (choice < 0.55) return page.keyboard.press("ArrowLeft");
  const back = random() * BACK_MS;
  return page.evaluate((ms) => window.meterbridge.rewind(new Date(Date.now() - ms)), back);
}

const studio = await Serve.start({ speed: 5, runs: 12, store: "none" });
const context = await (await browser()).newContext({ viewport: { width, height } });
await context.addInitScript(record);
const page = await context.newPage();
page.setDefaultTimeout(120_000);
const devtools = await context.newCDPSession(page);

async function mebibytes() {
  await devtools.send("HeapProfiler.collectGarbage");
  const { usedSize } = await devtools.send("Runtime.getHeapUsage");
  const wasm = await page.evaluate(() => window.recorded.memoryBytes());
  return [wasm, usedSize].map((bytes) => bytes / 2 ** 20);
}

const grown = [];
try {
  await page.goto(`${studio.url}?${BOUNDS}`);
  await page.waitForFunction(() => window.meterbridge?.ready);
  await page.evaluate(() => window.meterbridge.ready);
  console.log(`${width}x${height}, ${MINUTES} minutes, seed ${SEED}`);
  console.log("minute  wasm MiB  scripts MiB  runs  jumps  in the past");
  let jumps = 0;
  let past = 0;
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    const end = Date.now() + 60_000;
    while (Date.now() < end) {
      await jump(page);
      jumps += 1;
      past += await page.evaluate(() => (window.meterbridge.state().view.rewound_to === null ? 0 : 1));
      await pause(random() * JUMP_MS);
    }
    const [wasm, scripts] = await mebibytes();
    grown.push(wasm);
    const runs = await page.evaluate(() => window.meterbridge.state().runs.length);
    const columns = [[minute, 6], [wasm.toFixed(1), 10], [scripts.toFixed(1), 13], [runs, 6], [jumps, 7], [past, 13]];
    console.log(columns.map(([value, size]) => String(value).padStart(size)).join(""));
  }
} finally {
  await closeBrowser();
  await studio.stop();
}
const third = grown[Math.floor(grown.length / 3)];
const last = grown.at(-1);
const good = last <= third * (1 + GROWTH);
console.log(`${good ? "good" : "BAD "}  wasm from the first third's end to the end: ${third.toFixed(1)} to ${last.toFixed(1)} MiB`);
process.exitCode = good ? 0 : 1;
