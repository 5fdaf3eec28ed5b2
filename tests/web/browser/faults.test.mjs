// Frames that are no events: they are counted and have no other effect.

import assert from "node:assert/strict";

import { browserTest } from "../support/display.mjs";
import { Studio, completed, event, started } from "../support/studio.mjs";

const GARBAGE = [
  "not JSON at all",
  '{"ts":"2026-01-01T00:00:00Z","run_id":"cut',
  '[{"run_id":"a"},',
  "\u0000\u0001\u0002",
  "🎹".repeat(2000),
  Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3, 0x28]),
  Buffer.alloc(3000, 0xaa),
];

browserTest("garbage is counted without other effects", async (bench) => {
  const studio = await bench.use(Studio.open());
  const display = await bench.open({ source: studio.url });
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  studio.send(started("a", "Copper Sky"));
  for (const garbage of GARBAGE) {
    studio.send(garbage, event("a", "PLAN", "progress", { data: { message: "Still here" } }));
  }
  studio.send(Buffer.from(event("a", "PLAN", "end", { duration_ms: 10 })), completed("a"));
  const state = await display.until("the end of the run", ({ runs }) => runs[0]?.status === "completed");
  assert.equal(state.malformed, GARBAGE.length);
  assert.equal(state.runs.length, 1);
  assert.equal(state.runs[0].nodes.find((node) => node.name === "PLAN").duration_ms, 10);
  assert.equal(state.connection.state, "connected");
  assert.equal(studio.connections, 1);
});

browserTest("a message that is too large is skipped, and its connection stays", async (bench) => {
  const large = event("a", "PLAN", "progress", { data: { message: "x".repeat(1_100_000) } });
  const studio = await bench.use(Studio.open({ replay: [started("a", "Copper Sky"), large, completed("a")] }));
  const display = await bench.open({
    source: studio.url,
    query: "max-message-bytes=64k&reconnect-delay=0.1",
  });
  const state = await display.until("the run's end", ({ runs }) => runs[0]?.status === "completed");
  // The message is counted once, changes nothing, and those before and after it are read.
  const { events, malformed, ignored, duplicates } = state;
  assert.deepEqual({ events, malformed, ignored, duplicates }, { events: 2, malformed: 1, ignored: 0, duplicates: 0 });
  assert.equal(state.runs[0].song_title ?? "Copper Sky", "Copper Sky");
  assert.ok(state.runs[0].nodes.every(({ status }) => status === "unknown"));
  assert.equal(state.connection.state, "connected");
  assert.deepEqual(await display.connections(), ["connecting", "connected"]);
  assert.equal(studio.connections, 1);
});

browserTest("a large message that is allowed is read", async (bench) => {
  const message = "y".repeat(3_500_000);
  const studio = await bench.use(
    Studio.open({ replay: [started("a", "Copper Sky"), event("a", "PLAN", "progress", { data: { message } }), completed("a")] }),
  );
  const display = await bench.open({ source: studio.url });
  const state = await display.until("the run's end", ({ runs }) => runs[0]?.status === "completed");
  assert.equal(state.malformed, 0);
  assert.equal(studio.connections, 1);
});
