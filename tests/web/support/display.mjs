// The page in a browser, from a test's point of view.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import test from "node:test";

import { browser, closeBrowser } from "./browser.mjs";
import { Serve } from "./program.mjs";
import { record } from "./recorder.mjs";
import { until } from "./waiting.mjs";

/** Small size for most tests: fewer pixels give more pictures per second. */
export const SMALL = { width: 640, height: 360 };
/** Size at which the panel fits beside a stage. */
export const WITH_PANEL = { width: 1280, height: 720 };

const TEST_MS = 180_000;

/** The browser's own messages for an unreachable server, which no page can prevent. */
export const NO_SERVER =
  /WebSocket connection to '[^']*' failed|Failed to load resource: net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INTERNET_DISCONNECTED)/;

/** An open page. */
export class Display {
  constructor(page) {
    this.page = page;
  }

  /** Evaluates `question`, a function of the page's API. */
  ask(question, given) {
    return this.page.evaluate(question, given);
  }

  state() {
    return this.ask(() => window.meterbridge.state());
  }

  /** Waits until `holds(state)`; resolves with that state. */
  async until(what, holds, options = {}) {
    let last = null;
    return until(
      what,
      async () => {
        last = await this.state();
        return holds(last) && last;
      },
      { seen: () => ({ ...last, runs: last.runs?.length }), ...options },
    );
  }

  /** Returns every DOM event so far: `{name, detail}`. */
  told() {
    return this.ask(() => window.recorded.told);
  }

  /** Waits for an event whose `detail` satisfies `holds`; resolves with its detail. */
  async untilTold(name, holds = () => true, options = {}) {
    const { detail } = await until(
      `the event meterbridge:${name}`,
      async () => (await this.told()).find((event) => event.name === name && holds(event.detail)),
      { seen: () => this.told(), ...options },
    );
    return detail;
  }

  /**
   * Returns the states of the connection in order: "connected", "reconnecting 1/5". Leaves out a first
   * picture from before the first attempt.
   */
  async connections() {
    const told = (await this.told()).filter(({ name }) => name === "connection");
    const stood = told.map(({ detail: { state, attempt, max_attempts: most } }) =>
      attempt === null ? state : `${state} ${attempt}/${most}`,
    );
    return stood[0] === "disconnected" ? stood.slice(1) : stood;
  }

  /** Returns the number of WebSockets that the page has opened so far. */
  sockets() {
    return this.ask(() => window.recorded.sockets.length);
  }

  card() {
    return this.page.locator(".mb-card");
  }
}

/** Runs in the page: fixes the time of day at `timeOfDay`; everything else keeps running. */
function standStill(now) {
  const Real = Date;
  window.timeOfDay = now;
  window.Date = class extends Real {
    constructor(...given) {
      super(...(given.length ? given : [window.timeOfDay]));
    }
    static now() {
      return window.timeOfDay;
    }
  };
}

let house = null;

/** Starts a server for pages whose events come from elsewhere. */
function servedPage() {
  house ??= Serve.start({ speed: 0.1, runs: 1 });
  return house;
}
test.after(async () => {
  await (await house)?.stop();
  await closeBrowser();
});

/** Resources of a test; stops everything that the test started. */
class Bench {
  #endings = [];
  #allowed = [];
  #contexts = new Map();
  #diagnose;
  problems = [];

  constructor(diagnose) {
    this.#diagnose = diagnose;
  }

  /** Registers a resource with `stop()`. */
  async use(promise) {
    const thing = await promise;
    this.#endings.push(() => thing.stop());
    return thing;
  }

  /** Returns a path for a file that does not exist yet. */
  file(name) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "meterbridge-"));
    this.#endings.push(() => fs.rmSync(folder, { recursive: true }));
    return path.join(folder, name);
  }

  /** Declares errors that the test expects. */
  allow(...patterns) {
    this.#allowed.push(...patterns);
  }

  /** Opens a browser context with its own storage. */
  async visitor(options = {}) {
    const context = await (
      await browser()
    ).newContext({ viewport: SMALL, timezoneId: "UTC", locale: "en-GB", ...options });
    this.#endings.push(() => context.close());
    await context.addInitScript(record);
    return context;
  }

  /**
   * Opens the page of `at`, or a page whose events come from `source`. Waits for its first picture,
   * unless `ready` is false.
   */
  async open({ at, source, query = "", visitor, viewport, path = "", ready = true, fixedTime } = {}) {
    const context = visitor ?? (await this.visitor(viewport ? { viewport } : {}));
    const page = await context.newPage();
    if (fixedTime !== undefined) await page.addInitScript(standStill, fixedTime);
    const display = new Display(page);
    page.on("pageerror", (error) => this.#problem(`error: ${error.stack ?? error}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.#problem(`console: ${message.text()}`);
    });
    page.on("crash", () => this.problems.push("the page crashed"));
    this.#contexts.set(display, page);
    const settings = [source && `source=${encodeURIComponent(source)}`, query].filter(Boolean).join("&");
    const base = at ?? (await servedPage()).url;
    await page.goto(`${base}${path}${settings ? `?${settings}` : ""}`);
    if (ready) await display.untilTold("ready", undefined, { patienceMs: 120_000 });
    return display;
  }

  /** Returns the address of the page that the tests share. */
  async pageUrl() {
    return (await servedPage()).url;
  }

  /** Prints a measurement in the test report. */
  note(words) {
    this.#diagnose(words);
  }

  #problem(problem) {
    this.problems.push(problem);
  }

  async finish() {
    for (const page of this.#contexts.values()) {
      if (page.isClosed()) continue;
      const violations = await page.evaluate(() => window.recorded?.violations ?? []).catch(() => []);
      this.problems.push(...violations.map((text) => `content security policy: ${text}`));
    }
    for (const end of this.#endings.reverse()) await end();
    return this.problems.filter((text) => !this.#allowed.some((pattern) => pattern.test(text)));
  }
}

/** Defines a test with a browser. Unexpected errors of the page fail the test. */
export function browserTest(name, run) {
  test(name, { timeout: TEST_MS }, async (t) => {
    const bench = new Bench((words) => t.diagnostic(words));
    let problems = [];
    try {
      await run(bench);
    } finally {
      problems = await bench.finish();
      if (problems.length) console.error(problems.join("\n"));
    }
    assert.deepEqual(problems, []);
  });
}
