// Load time of the page, and the delay from a server's event to the picture that shows it.
//
//     node benches/page.mjs [WIDTHxHEIGHT]
//
// Needed: the same as for tests/web/browser/all.mjs. It prints two tables.
//
// The first table: times from the navigation to the first paint, which is the skeleton; to the last
// byte of the wasm; and to the display's first picture. Cold is a new visitor, warm the same visitor's
// reload.
//
// The second table: times from a server's sending of a node's start or end to the picture in which the
// line under the title shows it. Server and page use the same system clock, in milliseconds. The line
// is observed in two ways, each with events of its own:
//
// * drawn: read from the canvas right after the display's own animation frame, while WebGL still has
//   the picture. Reading waits for the drawing, so frames never overlap.
// * shown: in the browser's screencast, whose frames carry the time of their composition. The page is
//   left undisturbed, and pictures queue as they do for a person.

import os from "node:os";
import { setTimeout as pause } from "node:timers/promises";

import { browser, closeBrowser } from "../tests/web/support/browser.mjs";
import { difference } from "../tests/web/support/pictures.mjs";
import { Serve } from "../tests/web/support/program.mjs";
import { Studio, event, started } from "../tests/web/support/studio.mjs";

const [width, height] = (process.argv[2] ?? "640x360").split("x").map(Number);
const LOADS = 5;
const SENDS = 24;
/** Line under the title: left, top, right and bottom, from 0 to 1; then the areas around it. */
const LINE = [0.145, 0.19, 0.45, 0.24];
const REST = [[0, 0, 1, LINE[1]], [0, LINE[3], 1, 1], [0, 0, LINE[0], 1], [LINE[2], 0, 1, 1]];
/** Least share of a picture's pixels that differ when the text of the line changes. */
const OTHER_WORDS = 0.0005;

const quantile = (numbers, share) => [...numbers].sort((a, b) => a - b)[Math.ceil(numbers.length * share) - 1];
const median = (numbers) => Math.round(quantile(numbers, 0.5));
const load = () => os.loadavg()[0].toFixed(1);

/** Runs in the page, before its scripts. */
function watch([left, top, right, bottom]) {
  addEventListener("meterbridge:ready", () => (window.readyAt = performance.now()));
  // End of each animation frame, and the share of the picture's pixels that it changed in the line.
  window.pictures = [];
  window.reads = false;
  const line = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  let last = null;
  function read(canvas) {
    const [x, y] = [Math.round(left * canvas.width), Math.round(top * canvas.height)];
    line.canvas.width = Math.round(right * canvas.width) - x;
    line.canvas.height = Math.round(bottom * canvas.height) - y;
    line.drawImage(canvas, -x, -y);
    const { data } = line.getImageData(0, 0, line.canvas.width, line.canvas.height);
    let far = 0;
    for (let at = 0; last && at < data.length; at += 4) far += Math.abs(data[at] - last[at]) > 24;
    last = data;
    return far / (canvas.width * canvas.height);
  }
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) =>
    request((time) => {
      callback(time);
      const changed = window.reads ? read(document.getElementById("meterbridge")) : 0;
      window.pictures.push({ at: Date.now(), changed });
    });
}

async function visitor() {
  const context = await (await browser()).newContext({ viewport: { width, height } });
  await context.addInitScript(watch, LINE);
  const page = await context.newPage();
  page.setDefaultTimeout(120_000);
  return { context, page };
}

/** Returns the milestones of a loading page. */
async function milestones(page) {
  await page.waitForFunction(() => window.readyAt);
  return page.evaluate(() => {
    const wasm = performance.getEntriesByType("resource").find(({ name }) => name.endsWith(".wasm"));
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    return { paint: paint.startTime, wasm: wasm.responseEnd, ready: window.readyAt, bytes: wasm.transferSize };
  });
}

async function loads(serve) {
  const found = { cold: [], warm: [] };
  for (let count = 0; count < LOADS; count += 1) {
    const { context, page } = await visitor();
    await page.goto(serve.url);
    found.cold.push(await milestones(page));
    await page.reload();
    found.warm.push(await milestones(page));
    await context.close();
  }
  console.log(`\n| median of ${LOADS}, ms | first paint | wasm is there | first picture | wasm's bytes |`);
  console.log("| --- | ---: | ---: | ---: | ---: |");
  for (const [name, all] of Object.entries(found)) {
    const cells = ["paint", "wasm", "ready", "bytes"].map((key) => median(all.map((one) => one[key])));
    console.log(`| ${name} | ${cells.join(" | ")} |`);
  }
}

/** Sends starts and ends of nodes at random times; resolves with the times. */
async function send(studio) {
  const sent = [];
  for (let count = 0; count < SENDS; count += 1) {
    await pause(2000 + 1000 * Math.random());
    sent.push(Date.now());
    studio.send(event("run", "LYRICS", count % 2 ? "end" : "start"));
  }
  await pause(3000);
  return sent;
}

/** Returns the time from each sending to the first of `changes` after it. */
function delays(sent, changes) {
  return sent.map((at, index) => {
    const seen = changes.find((change) => change >= at);
    if (!(seen < (sent[index + 1] ?? Infinity))) throw new Error("a change was not seen before the next one");
    return seen - at;
  });
}

/**
 * Starts observing; resolves with a function that stops and resolves with the times at which the line
 * changed.
 */
async function drawn({ page }) {
  await page.evaluate(() => (window.reads = true));
  return async (pictures) => {
    await page.evaluate(() => (window.reads = false));
    return pictures.filter(({ changed }) => changed > OTHER_WORDS).map(({ at }) => at);
  };
}

/** Works like `drawn`; closes the page afterwards, which leaves the processor to the comparison. */
async function shown({ context, page }) {
  const protocol = await context.newCDPSession(page);
  const frames = [];
  protocol.on("Page.screencastFrame", ({ sessionId, metadata, data }) => {
    frames.push({ at: 1000 * metadata.timestamp, png: Buffer.from(data, "base64") });
    protocol.send("Page.screencastFrameAck", { sessionId }).catch(() => {});
  });
  await protocol.send("Page.startScreencast", { format: "png" });
  return async () => {
    await page.close();
    const changes = [];
    for (const [index, { at, png }] of frames.entries()) {
      if (index && (await difference(frames[index - 1].png, png, REST)).far > OTHER_WORDS) changes.push(at);
    }
    return changes;
  };
}

async function sends(serve) {
  const studio = await Studio.open({ replay: [started("run", "A song")] });
  const visit = await visitor();
  await visit.page.goto(`${serve.url}?run=run&source=${encodeURIComponent(studio.url)}`);
  await milestones(visit.page);
  await pause(5000);
  console.log(`\n| ${SENDS} sends, ms | median | p95 | frame | median in frames | p95 in frames |`);
  console.log("| --- | ---: | ---: | ---: | ---: | ---: |");
  for (const [name, look] of Object.entries({ drawn, shown })) {
    await visit.page.evaluate(() => (window.pictures.length = 0));
    const changes = await look(visit);
    const sent = await send(studio);
    const pictures = await visit.page.evaluate(() => window.pictures);
    const took = delays(sent, await changes(pictures));
    const frame = median(pictures.slice(1).map(({ at }, index) => at - pictures[index].at));
    const [middle, late] = [median(took), Math.round(quantile(took, 0.95))];
    const inFrames = [middle, late].map((time) => (time / frame).toFixed(1));
    console.log(`| ${name} | ${middle} | ${late} | ${frame} | ${inFrames.join(" | ")} |`);
  }
  await studio.stop();
}

console.log(`${width}×${height}, ${os.cpus().length} cores, load ${load()} before`);
const serve = await Serve.start();
try {
  await loads(serve);
  await sends(serve);
} finally {
  await serve.stop();
  await closeBrowser();
}
console.log(`\nload ${load()} after`);
