// A hub that requires a token: signing in from the page.

import assert from "node:assert/strict";

import { Backend } from "../support/backend.mjs";
import { NO_SERVER, WITH_PANEL, browserTest } from "../support/display.mjs";
import { Serve } from "../support/program.mjs";

const TOKEN = "a-token-for-screens";
const OTHER = "another-one-for-screens";

const asking = (backend, token, options = {}) =>
  Serve.start({ of: backend.url, store: "none", env: { METERBRIDGE_HUB_TOKEN: token }, ...options });

/** The browser's own messages for a refusal, and for a page without an icon. */
const REFUSED = /status of 40[134]|Unexpected response code: 401/;

async function signIn(page, token) {
  await page.getByLabel("Token for screens").fill(token);
  await page.getByRole("button", { name: "Show the wall" }).click();
}

const connected = ({ connection }) => connection.state === "connected";

browserTest("only the right token signs in, and the sign-in lasts", async (bench) => {
  const backend = await bench.use(Backend.open());
  const hub = await bench.use(asking(backend, TOKEN));
  bench.allow(REFUSED);
  const visitor = await bench.visitor();
  const display = await bench.open({ at: hub.url, query: "theme=light", visitor, ready: false });
  const { page } = display;
  await page.waitForURL(/\/login\?next=/);
  await signIn(page, "not-the-token-at-all");
  assert.match(await page.getByRole("alert").innerText(), /Wrong token/);
  await signIn(page, TOKEN);
  await page.waitForURL(`${hub.url}?theme=light`);
  await display.untilTold("ready");
  await display.until("a connection", connected);
  const { run } = await backend.start("Copper Sky", { node_ms: 700 });
  await display.until("the run", ({ runs }) => runs.some((known) => known.run_id === run));

  // The cookie is unreadable to scripts, and does not contain the token.
  const [cookie] = await visitor.cookies();
  assert.ok(cookie.httpOnly && cookie.sameSite === "Strict" && !cookie.value.includes(TOKEN));
  assert.equal(await display.ask(() => document.cookie), "");
  await page.close();
  const again = await bench.open({ at: hub.url, visitor });
  await again.until("a connection", connected);

  const stranger = await bench.open({ at: hub.url, ready: false });
  await stranger.page.waitForURL(/\/login$/);
  assert.equal((await fetch(`${hub.url}api/v1/monitoring/active-runs`)).status, 401);
});

browserTest("a page whose token has changed leads to the login and back", async (bench) => {
  const backend = await bench.use(Backend.open());
  const first = await bench.use(asking(backend, TOKEN));
  bench.allow(REFUSED, NO_SERVER);
  const display = await bench.open({ at: first.url, query: "view=wall&reconnect-delay=0.5", viewport: WITH_PANEL, ready: false });
  const { page } = display;
  await signIn(page, TOKEN);
  await display.untilTold("ready");
  await display.until("a connection", connected);
  const address = page.url();
  await first.stop();
  await display.until("the loss", ({ connection }) => connection.state === "reconnecting");
  assert.equal(await display.card().count(), 0, "a hub that is merely gone wants nothing");
  await bench.use(asking(backend, OTHER, { port: first.port }));
  await display.card().waitFor();
  assert.match(await display.card().innerText(), /This server requires a sign-in/);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/login\?next=/);
  await signIn(page, OTHER);
  await page.waitForURL(address);
  await display.untilTold("ready");
  await display.until("a connection", connected);
  assert.equal(await display.card().count(), 0);
});

browserTest("a refused kiosk keeps retrying and recovers by itself", async (bench) => {
  const backend = await bench.use(Backend.open());
  const first = await bench.use(asking(backend, TOKEN));
  bench.allow(REFUSED, NO_SERVER);
  const display = await bench.open({ at: first.url, query: "kiosk&reconnect-delay=0.5", ready: false });
  await signIn(display.page, TOKEN);
  await display.untilTold("ready");
  const { run } = await backend.start("Velvet Engine", { node_ms: 700 });
  await display.until("the run", ({ runs }) => runs.some((known) => known.run_id === run));
  await first.stop();
  const second = await bench.use(asking(backend, OTHER, { port: first.port }));
  await display.card().waitFor();
  // More attempts than a page without kiosk mode makes.
  await display.until("attempts", ({ connection }) => connection.attempt > 5);
  await second.stop();
  await bench.use(asking(backend, TOKEN, { port: first.port }));
  const { runs } = await display.until("the connection", connected);
  await display.card().waitFor({ state: "detached" });
  assert.ok(runs.some((known) => known.run_id === run), "what was on screen stays");
});
