// Failures of the page, with a card that says what to do.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { NO_SERVER, browserTest } from "../support/display.mjs";
import { DIST, Serve } from "../support/program.mjs";

const text = (display) => display.card().innerText();

browserTest("settings that do not exist are refused by name", async (bench) => {
  const serve = await bench.use(Serve.start({ speed: 1 }));
  const display = await bench.open({ at: serve.url, query: "pannel=1", ready: false });
  await display.card().waitFor();
  assert.match(await text(display), /there is no setting `pannel`\. Known settings: source, /i);
  assert.equal(await display.sockets(), 0);
  const title = await display.page.title();
  assert.equal(title, "✕ wrong settings – Meterbridge");
  await display.page.getByRole("button", { name: "Continue without settings" }).click();
  await display.page.waitForURL(serve.url);
  await display.untilTold("ready");
  assert.equal(await display.card().count(), 0);
});

browserTest("an invalid value is refused with the valid ones", async (bench) => {
  const display = await bench.open({ query: "backoff=maybe&source=ws://me:hunter2@127.0.0.1:1/?token=sesame", ready: false });
  await display.card().waitFor();
  const said = await text(display);
  assert.match(said, /`backoff=maybe` cannot be used: expected constant or exponential/);
  assert.doesNotMatch(said, /hunter2|sesame/);
});

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".wasm": "application/wasm" };

/** Serves the site as if it came over https from another machine. */
async function overTls(visitor) {
  await visitor.route("https://meterbridge.example/**", (route) => {
    const { pathname } = new URL(route.request().url());
    const file = path.join(DIST, pathname === "/" ? "index.html" : pathname);
    if (!fs.existsSync(file)) return route.fulfill({ status: 404 });
    return route.fulfill({
      body: fs.readFileSync(file),
      contentType: TYPES[path.extname(file)] ?? "application/octet-stream",
    });
  });
  return "https://meterbridge.example/";
}

browserTest("a page loaded over https explains that it cannot open ws://", async (bench) => {
  bench.allow(NO_SERVER);
  const visitor = await bench.visitor();
  const at = await overTls(visitor);
  const display = await bench.open({ at, visitor, source: "ws://studio.example/events?token=sesame", ready: false });
  await display.card().waitFor();
  const said = await text(display);
  assert.match(said, /block unencrypted addresses such as ws:\/\/studio\.example\/events/);
  assert.doesNotMatch(said, /sesame/);
  await display.page.getByRole("button", { name: "Try wss://" }).click();
  await display.page.waitForURL(/source=wss/);
});

browserTest("a failed download of the display is reported", async (bench) => {
  const serve = await bench.use(Serve.start({ speed: 1 }));
  bench.allow(/Failed to load resource.*404/, /preload/);
  const visitor = await bench.visitor();
  await visitor.route("**/*.wasm", (route) => route.fulfill({ status: 404 }));
  const display = await bench.open({ at: serve.url, visitor, ready: false });
  await display.card().waitFor();
  assert.match(await text(display), /Part of this site is missing/);
  await visitor.unroute("**/*.wasm");
  await display.page.getByRole("button", { name: "Reload" }).click();
  await display.untilTold("ready");
});

browserTest("a panic is reported with its own message, and a reload starts the display again", async (bench) => {
  const serve = await bench.use(Serve.start({ speed: 1 }));
  bench.allow(/./);
  const display = await bench.open({ at: serve.url });
  // The window system requires a frame and panics when the browser refuses it.
  await display.ask(() => {
    window.requestAnimationFrame = () => {
      throw new Error("no frames today");
    };
  });
  await display.card().waitFor();
  const said = await text(display);
  assert.match(said, /Meterbridge has stopped/i);
  assert.match(said, /panicked at [^\n]+:\d+:\d+:\s+Failed to request animation frame/);
  assert.match(said, /no frames today/);
  assert.doesNotMatch(said, /unreachable/);
  assert.equal(await display.card().count(), 1);
  assert.equal(await display.page.title(), "✕ stopped – Meterbridge");
  const crashes = (await display.told()).filter(({ name }) => name === "crashed");
  assert.ok(crashes.length >= 1, "a page's scripts are told");
  assert.match(crashes[0].detail.message, /Failed to request animation frame/);
  await display.page.getByRole("button", { name: "Reload" }).click();
  await display.untilTold("ready");
  assert.equal(await display.card().count(), 0);
});

browserTest("a lost graphics context is reported, and the last picture stays", async (bench) => {
  const serve = await bench.use(Serve.start({ speed: 1 }));
  bench.allow(/./);
  const display = await bench.open({ at: serve.url });
  await display.ask(() => {
    const context = document.querySelector("canvas").getContext("webgl2");
    context.getExtension("WEBGL_lose_context").loseContext();
  });
  await display.card().waitFor();
  assert.match(await text(display), /The browser stopped the graphics/);
  const refusal = await display.ask(() => {
    try {
      return JSON.stringify(window.meterbridge.state());
    } catch (error) {
      return error.message;
    }
  });
  assert.match(refusal, /does not run/);
});
