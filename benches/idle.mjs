// Cost of a wall on which nothing moves: processor time and frames, compared to the same wall drawn as
// often as the screen takes frames.
//
//     cargo build --release && node benches/idle.mjs [SECONDS]
//
// Needed: Xvfb, and the packages of tests/web (npm ci there). The program is METERBRIDGE_BIN, or the
// release build. The studio sends nothing more: it has twelve runs that ended up to an hour ago, some
// of them failed; the connection stays open.

import { setTimeout as pause } from "node:timers/promises";

import { Studio, event } from "../tests/web/support/studio.mjs";
import { PROGRAM, Screen, load } from "./support/screen.mjs";

const SECONDS = Number(process.argv[2] ?? 60);
const SIZE = "640x360";
/** Seconds after which no event counts as recent. */
const SETTLES_SECS = 20;
const NODES = ["PLAN", "STYLE", "LYRICS", "PRODUCER", "COMPOSE", "VALIDATE", "RENDER", "REVIEW"];

/** A run that ended `endedMinutes` ago, or failed in the node `failsAt`. */
function run(number, endedMinutes, failsAt = null) {
  const id = `run-${number}`;
  let at = Date.now() - endedMinutes * 60_000 - 120_000;
  const told = (node, phase, more = {}) =>
    event(id, node, phase, { ts: new Date((at += 5_000)).toISOString(), ...more });
  const frames = [told(null, "start", { data: { song_title: `Song number ${number}` } })];
  for (const node of NODES) {
    frames.push(told(node, "start"));
    if (node === failsAt) {
      const error = { data: { error: "quota exceeded: 0 of 40 renders left" } };
      return [...frames, told(node, "fail", error), told(null, "fail", error)];
    }
    frames.push(told(node, "end", { duration_ms: 5_000 }));
  }
  return [...frames, told(null, "end", { duration_ms: 95_000, data: { status: "completed" } })];
}

const runs = Array.from({ length: 12 }, (_, number) =>
  run(number + 1, 12 + number * 3, number % 5 === 1 ? "RENDER" : null),
);
const studio = await Studio.open({ replay: runs.flat() });
const screen = await Screen.open(SIZE);
try {
  console.log(`${SIZE}, ${SECONDS} s each, ${PROGRAM}, load ${load()} before`);
  console.log("wall              CPU seconds    frames   frames a second");
  const seconds = [];
  for (const always of [false, true]) {
    const args = [studio.url, "--kiosk", "--view", "wall", "--stats", String(SECONDS)];
    const program = screen.start(always ? [...args, "--draw-always"] : args);
    await program.line(/first run on screen/);
    await pause(SETTLES_SECS * 1000);
    // The measurement begins at a line of the program's own statistics.
    await program.stats();
    const before = program.cpuSeconds();
    const { frames, secs } = await program.stats();
    const used = program.cpuSeconds() - before;
    seconds.push(used);
    const name = always ? "drawn always" : "as it is";
    const columns = [used.toFixed(2).padStart(11), String(frames).padStart(10)];
    console.log(`${name.padEnd(18)}${columns.join("")}${(frames / secs).toFixed(2).padStart(18)}`);
    await program.end();
  }
  console.log(`at rest it takes ${((100 * seconds[0]) / seconds[1]).toFixed(1)} % of that; load ${load()} after`);
} finally {
  await screen.close();
  await studio.stop();
}
