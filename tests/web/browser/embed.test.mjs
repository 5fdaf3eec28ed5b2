// The display embedded in another page: the example named in web/README.md.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { browserTest } from "../support/display.mjs";
import { HOSTILE, Studio, UNSEEN, event, started } from "../support/studio.mjs";
import { until } from "../support/waiting.mjs";

const failing = (run, title) => [
  started(run, title),
  event(run, "RENDER", "start"),
  event(run, "RENDER", "fail", { data: { error_message: "Engine queue rejected the job" } }),
  event(run, null, "fail", { data: { error_message: "Engine queue rejected the job" } }),
];

const DESK = { width: 1100, height: 600 };

browserTest("an embedding page lists failures, selects runs and disconnects", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: failing("a", "Copper Sky") }));
  const { page } = await bench.open({ source: studio.url, path: "embed.html", viewport: DESK });
  const items = page.locator("#failed li");
  await items.filter({ hasText: /Copper Sky\s*RENDER: Engine queue rejected the job/ }).waitFor();
  studio.send(...failing("b", "Velvet Engine"));
  await items.first().filter({ hasText: "Velvet Engine" }).waitFor();
  assert.equal(await items.count(), 2);

  await items.last().getByRole("button").click();
  const link = page.locator("#link");
  await until("a link to the run", async () => {
    await link.dispatchEvent("pointerdown");
    return new URL((await link.getAttribute("href")) ?? "about:blank").searchParams.get("run") === "a";
  });
  await page.getByRole("button", { name: "Disconnect" }).click();
  await page.getByText("disconnected", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Connect again" }).click();
  await page.getByText("connected", { exact: true }).waitFor();
  assert.equal(studio.connections, 2);
});

browserTest("an embedding page shows hostile texts as text", async (bench) => {
  const fail = { data: { error_message: HOSTILE.sent } };
  const studio = await bench.use(
    Studio.open({
      replay: [
        started("a", HOSTILE.sent),
        event("a", HOSTILE.sent, "start"),
        event("a", HOSTILE.sent, "fail", fail),
        event("a", null, "fail", fail),
      ],
    }),
  );
  const { page } = await bench.open({ source: studio.url, path: "embed.html", viewport: DESK });
  const item = page.locator("#failed li");
  await item.waitFor();
  const text = await item.textContent();
  assert.equal(text.split("ab").length, 4, `title, step and error: ${JSON.stringify(text)}`);
  assert.doesNotMatch(text.replaceAll("\n", " "), UNSEEN);
  assert.equal(await page.locator("#failed img").count(), 0);
  assert.equal(await page.evaluate(() => window.obeyed), undefined);
});

browserTest("the display's keys do not scroll the page around it", async (bench) => {
  const studio = await bench.use(Studio.open({ replay: failing("a", "Copper Sky") }));
  const { page } = await bench.open({ source: studio.url, path: "embed.html", viewport: DESK });
  await page.evaluate(() => {
    const tall = document.createElement("div");
    tall.style.height = "4000px";
    document.body.append(tall);
    document.body.style.height = document.documentElement.style.height = "auto";
    document.body.style.overflow = document.documentElement.style.overflow = "visible";
    window.keys = [];
    addEventListener("keydown", ({ key, defaultPrevented }) => window.keys.push({ key, defaultPrevented }));
  });
  const top = () => page.evaluate(() => scrollY);
  // A browser without a frame to scroll in drops a key, so that it is pressed until the page scrolls.
  const pressedUntilScrolled = async (key, from) => {
    await page.keyboard.press(key);
    return (await settled(top)) > from;
  };
  // A background page draws nothing, and scrolls smoothly only while it draws.
  await page.bringToFront();
  await page.locator("canvas").focus();
  await page.evaluate(() => scrollTo(0, 0));
  await until("keys that the display does not have to be the page's", () => pressedUntilScrolled("PageDown", 0));
  const once = await settled(top);
  for (const key of ["Space", "ArrowDown", "ArrowRight", "Shift+Space"]) await page.keyboard.press(key);
  assert.equal(await settled(top), once);
  const claimed = await page.evaluate(() => window.keys.filter((it) => it.defaultPrevented).map(({ key }) => key));
  assert.ok(claimed.includes("ArrowDown") && claimed.includes(" "), `the display took ${claimed}`);
  assert.ok(!claimed.includes("PageDown"), `the display took ${claimed}`);
  // The display takes no key when it has no focus.
  await page.evaluate(() => {
    document.activeElement.blur();
    window.keys = [];
  });
  await until("a scroll by the page's own key", () => pressedUntilScrolled("ArrowDown", once));
  const taken = await page.evaluate(() => window.keys.filter((pressed) => pressed.defaultPrevented));
  assert.deepEqual(taken, []);
});

/** Waits until a position no longer changes, because pages scroll smoothly. */
async function settled(position) {
  let last = null;
  return until("an end of scrolling", async () => {
    const before = last;
    last = await position();
    await pause(500);
    return before === last && (last || "0");
  }).then(Number);
}
