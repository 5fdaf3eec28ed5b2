// Settings that a browser keeps between visits.

import assert from "node:assert/strict";

import { WITH_PANEL, browserTest } from "../support/display.mjs";
import { Studio, started } from "../support/studio.mjs";
import { until } from "../support/waiting.mjs";

const stored = (display) => display.ask(() => ({ ...localStorage }));

browserTest("changes by a person are stored, settings from the address are not", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: [started("a", "Copper Sky")] }));
  const visitor = await bench.visitor({ viewport: WITH_PANEL });
  const first = await bench.open({ source: studio.url, query: "panel&run=a&reconnect-delay=2", visitor });
  await first.until("the run", ({ runs }) => runs.length === 1);
  assert.deepEqual(Object.keys(await stored(first)), ["meterbridge.recent"], "the list of recent sources");
  await first.page.keyboard.press("p");
  await first.until("no panel", ({ view }) => !view.panel);
  await first.page.keyboard.press("p");
  await first.until("the panel", ({ view }) => view.panel);
  const kept = await until("something kept", async () => (await stored(first))["meterbridge.settings"]);
  assert.equal(new URLSearchParams(kept).get("panel"), "yes");
  assert.equal(new URLSearchParams(kept).get("run"), null);
  await first.page.close();

  const second = await bench.open({ visitor, query: `source=${encodeURIComponent(studio.url)}` });
  const { view } = await second.until("the run", ({ runs }) => runs.length === 1);
  assert.ok(view.panel, "the panel is open again");
  assert.ok(view.following, "no run is");
  // The address takes precedence.
  const third = await bench.open({ visitor, query: "panel=no", source: studio.url });
  assert.ok(!(await third.until("the run", ({ runs }) => runs.length === 1)).view.panel);
});

browserTest("no secret is stored", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: [started("a", "Copper Sky")] }));
  const source = studio.url.replace("ws://", "ws://me:hunter2@") + "?token=sesame";
  const display = await bench.open({ source, viewport: WITH_PANEL });
  await display.until("the run", ({ runs }) => runs.length === 1);
  await display.page.keyboard.press("p");
  const kept = await until("something kept", async () => (await stored(display))["meterbridge.settings"]);
  assert.match(kept, /panel=yes/);
  assert.doesNotMatch(kept, /hunter2|sesame|127\.0\.0\.1/);
});

browserTest("invalid stored settings are ignored", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: [started("a", "Copper Sky")] }));
  const visitor = await bench.visitor();
  await visitor.addInitScript(() => localStorage.setItem("meterbridge.settings", "view=%FF&no-such=1"));
  const display = await bench.open({ source: studio.url, visitor });
  await display.until("the run", ({ runs }) => runs.length === 1);
});
