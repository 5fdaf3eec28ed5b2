// Endurance test of a wall: a fast demo studio, the program as a kiosk on a virtual screen, and every
// minute its statistics of frames and memory.
//
//     cargo build --release && node benches/soak.mjs [MINUTES [ARGUMENT...]]
//
// Arguments go to the program, after --kiosk, which switches the director on, and the bounds below.
// Needed: Xvfb, and the packages of tests/web (npm ci there). The program is METERBRIDGE_BIN, or the
// release build. The exit status is 1 where the verdict is bad.
//
// "worked" is the processor time of all threads within the longest frame: a long frame with little of
// it waited for the machine. "stolen" is the time that a virtual machine's host gave to others in that
// minute.
//
// Memory stays flat once it follows what is kept instead of what has happened. So the bounds on runs
// and log are small enough to be reached within the first minutes; after that, runs are evicted as fast
// as they come.

import { PROGRAM, Screen, load, stolenMs } from "./support/screen.mjs";

const MINUTES = Number(process.argv[2] ?? 30);
const ARGUMENTS = process.argv.slice(3);
const SIZE = "640x360";
/** Simultaneous songs, and their speed compared to real time: more than 200 events per second. */
const STUDIO = ["--runs", "120", "--speed", "10"];
const BOUNDS = ["--keep-runs", "1000", "--keep-events", "20000"];
const LONGEST_MS = 100;
/** Allowed growth of the memory from the end of the first third to the end. */
const GROWTH = 0.05;

const screen = await Screen.open(SIZE);
let bad = true;
try {
  const studio = screen.start(["demo", "--listen", "127.0.0.1:0", ...STUDIO]);
  const [url] = await studio.answer(/ws:\/\/127\.0\.0\.1:\d+\/[^\s,]*/);
  const args = [url, "--kiosk", ...BOUNDS, "--stats", "60", ...ARGUMENTS];
  console.log(`meterbridge demo ${STUDIO.join(" ")}; ${PROGRAM}\n${args.join(" ")}\n${SIZE}, load ${load()} before`);
  console.log("minute  RSS MiB  CPU %  frames  computed ms  drawn ms     late ms  worked  stolen  events/s   runs  waiting  dropped");
  console.log("                                 p99 / max  p99 / max   p99 / max      ms      ms          (load)");
  const program = screen.start(args);
  const minutes = [];
  let cpu = 0;
  let stolen = stolenMs();
  // Warnings about missing features of the machine are logged at the start, and show no degradation.
  let begun = 0;
  for (let minute = 1; minute <= MINUTES; minute += 1) {
    const told = await program.stats();
    const used = program.cpuSeconds();
    const both = (name) => `${told[`${name}_p99_ms`].toFixed(0)} / ${told[`${name}_max_ms`].toFixed(0)}`;
    const columns = [
      [String(minute), 6],
      [told.rss_mib.toFixed(1), 9],
      [((100 * (used - cpu)) / told.secs).toFixed(0), 7],
      [String(told.frames), 8],
      [both("computed"), 13],
      [both("drawn"), 11],
      [both("late"), 12],
      [told.drawn_max_worked_ms.toFixed(0), 8],
      [(stolenMs() - stolen).toFixed(0), 8],
      [told.events_per_sec.toFixed(0), 10],
      [String(told.runs), 7],
      [String(told.waiting_max), 9],
      [String(told.dropped), 9],
      [`(${load()})`, 8],
    ];
    console.log(columns.map(([text, width]) => text.padStart(width)).join(""));
    cpu = used;
    stolen = stolenMs();
    minutes.push(told);
    begun ||= program.log.length;
  }
  bad = !verdict(minutes, program.log.slice(begun));
  await program.end();
} finally {
  await screen.close();
}
process.exitCode = bad ? 1 : 0;

function verdict(minutes, log) {
  const after = minutes.slice(1);
  const longest = Math.max(...after.flatMap((m) => [m.computed_max_ms, m.drawn_max_ms, m.late_max_ms]));
  const third = minutes[Math.floor(minutes.length / 3)].rss_mib;
  const last = minutes.at(-1).rss_mib;
  const slowest = Math.min(...after.map((m) => m.events_per_sec));
  const dropped = minutes.reduce((sum, m) => sum + m.dropped, 0);
  const troubles = log.filter((line) => /\b(WARN|ERROR)\b|panicked/.test(line));
  const said = [
    [longest <= LONGEST_MS, `longest frame after the first minute: ${longest} ms, of ${LONGEST_MS}`],
    [last <= third * (1 + GROWTH), `memory from the first third's end to the end: ${third} to ${last} MiB`],
    [slowest >= 200, `events a second, slowest minute: ${slowest}, of 200`],
    [dropped === 0, `frames thrown away unread: ${dropped}`],
    [troubles.length === 0, `warnings and errors logged after the first minute: ${troubles.length}`],
  ];
  for (const [good, words] of said) console.log(`${good ? "good" : "BAD "}  ${words}`);
  troubles.slice(0, 20).forEach((line) => console.log(`      ${line}`));
  return said.every(([good]) => good);
}
