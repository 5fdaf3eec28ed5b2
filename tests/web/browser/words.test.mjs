// Announcements for people who do not see the picture.

import assert from "node:assert/strict";

import { NO_SERVER, browserTest } from "../support/display.mjs";
import { HOSTILE, Studio, UNSEEN, completed, event, started } from "../support/studio.mjs";
import { until } from "../support/waiting.mjs";

const live = (display) => display.page.locator("#meterbridge-live").textContent();

/** Waits until a text was announced; announcements soon replace each other. */
async function untilHeard(display, pattern) {
  return until(`${pattern} read out`, async () => {
    const heard = await display.ask(() => window.heard);
    return heard.find((text) => pattern.test(text));
  }, { seen: () => display.ask(() => window.heard) });
}

/** Waits for live events: events just after connecting count as history. */
async function untilLive(studio, display) {
  let probes = 0;
  await until("news", async () => {
    const probe = `probe-${(probes += 1)}`;
    studio.send(started(probe, "Probe"), completed(probe));
    return (await display.told()).some(({ detail }) => detail?.live);
  });
}

async function listen(display) {
  await display.ask(() => {
    const region = document.getElementById("meterbridge-live");
    window.heard = [region.textContent];
    new MutationObserver(() => window.heard.push(region.textContent)).observe(region, { childList: true });
  });
}

browserTest("failed and completed runs are announced", async (bench) => {
  const studio = await bench.use(Studio.open());
  const display = await bench.open({ source: studio.url });
  await listen(display);
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  const region = display.page.locator("#meterbridge-live");
  assert.equal(await region.getAttribute("aria-live"), "polite");
  await untilLive(studio, display);
  studio.send(
    started("a", "Copper Sky"),
    event("a", "RENDER", "start"),
    event("a", "RENDER", "fail", { duration_ms: 10, data: { error_message: "Engine queue rejected the job" } }),
    event("a", null, "fail", { data: { error_message: "Engine queue rejected the job" } }),
  );
  await untilHeard(display, /Copper Sky failed at RENDER: Engine queue rejected the job\./);
  await until("the title", async () => /^✕ RENDER failed, Copper Sky/.test(await display.page.title()));
  studio.send(started("b", "Velvet Engine"));
  await until("the label", async () =>
    /1 running, Copper Sky failed at RENDER, connected$/.test(
      await display.page.locator("canvas").getAttribute("aria-label"),
    ),
  );
  studio.send(completed("b", 4000));
  await untilHeard(display, /Velvet Engine finished, took 0:04\./);
  assert.ok(await live(display));
});

browserTest("the loss and the return of the connection are announced", async (bench) => {
  const studio = await bench.use(Studio.open());
  bench.allow(NO_SERVER);
  const display = await bench.open({ source: studio.url, query: "reconnect-delay=0.5&max-reconnect-attempts=0" });
  await listen(display);
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  await studio.stop();
  await untilHeard(display, /Connection lost: /);
  await until("the title", async () => /^⚠ no connection/.test(await display.page.title()));
  await studio.start();
  await untilHeard(display, /The connection is back\./);
  await until("the title", async () => (await display.page.title()) === "Meterbridge");
});

browserTest("hostile titles, steps and errors are announced without what a reader cannot see", async (bench) => {
  const studio = await bench.use(Studio.open());
  const display = await bench.open({ source: studio.url });
  await listen(display);
  await display.until("a connection", ({ connection }) => connection.state === "connected");
  await untilLive(studio, display);
  const fail = { data: { error_message: HOSTILE.sent } };
  const heardOf = async (run, title) => {
    studio.send(
      started(run, title),
      event(run, HOSTILE.sent, "start"),
      event(run, HOSTILE.sent, "fail", fail),
      event(run, null, "fail", fail),
    );
    await until("the failure in the title", async () => (await display.page.title()).startsWith("✕ ab c d"), {
      seen: () => display.page.title(),
    });
    await until("the failure in the label", async () =>
      (await display.page.locator("canvas").getAttribute("aria-label")).includes(`failed at ${HOSTILE.seen}`),
    );
    await untilHeard(display, / failed at ab c d/);
  };
  await heardOf("titled", HOSTILE.sent);
  assert.match(await display.page.locator("canvas").getAttribute("aria-label"), /ab c defg<img src=x .*failed at ab c d/);
  // The id of a run without a title.
  await heardOf(HOSTILE.sent, undefined);
  const shown = await display.ask(() => [
    document.title,
    document.querySelector("canvas").getAttribute("aria-label"),
    ...window.heard,
  ]);
  for (const text of shown) assert.doesNotMatch(text, UNSEEN);
  for (const { detail } of await display.told()) {
    for (const text of [detail?.title, detail?.node]) assert.doesNotMatch(text ?? "", UNSEEN);
    assert.doesNotMatch((detail?.message ?? "").replaceAll("\n", ""), UNSEEN);
  }
  assert.equal(await display.ask(() => window.obeyed), undefined);
});
