// Kiosk mode of the page on an unattended wall: it fills the screen, keeps it awake, and recovers by
// itself from failures that would otherwise wait for somebody to press Reload.

const OFF = new Set(["0", "false", "no", "off"]);

/**
 * True when the settings ask for kiosk mode, as the display itself reads them: the last value counts.
 */
export function isKiosk(query) {
  const value = new URLSearchParams(query).getAll("kiosk").at(-1);
  return value !== undefined && !OFF.has(value.toLowerCase());
}

const FIRST_WAIT_MS = 5_000;
const LONGEST_WAIT_MS = 300_000;
/** Running time after which a failure counts as a new one. */
const WELL_AFTER_MS = 600_000;
const KEY = "meterbridge.reloads";

/** Returns the delay before reload number `reloads` + 1 in a row: 5, 10, 20 … 300 s. */
export function waitMs(reloads) {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.min(reloads, 16), LONGEST_WAIT_MS);
}

/** Reloads the page after failures, repeatedly, and only while the server is reachable. */
export class Comeback {
  #store;
  #clock;
  #isThere;
  #reload;
  #begun = false;

  /**
   * `store` is like sessionStorage, or null; `clock` has `now()` and `after(ms, what)`; `isThere()`
   * resolves with true when the page can be loaded; `reload()` reloads it.
   */
  constructor({ store = storage(), clock = browserClock, isThere = pageIsThere, reload = reloadPage } = {}) {
    this.#store = store;
    this.#clock = clock;
    this.#isThere = isThere;
    this.#reload = reload;
  }

  /** Starts once; returns the milliseconds until the page is reloaded. */
  begin() {
    const reloads = this.#lately();
    const wait = waitMs(reloads);
    if (!this.#begun) {
      this.#begun = true;
      this.#clock.after(wait, () => this.#attempt(reloads, 0));
    }
    return wait;
  }

  async #attempt(reloads, failed) {
    // A reload without a server would leave the browser's error page, which never retries.
    if (!(await this.#isThere())) {
      this.#clock.after(waitMs(failed), () => this.#attempt(reloads, failed + 1));
      return;
    }
    this.#remember(reloads + 1);
    this.#reload();
  }

  #lately() {
    try {
      const { reloads, at } = JSON.parse(this.#store?.getItem(KEY) ?? "{}");
      const passed = this.#clock.now() - at;
      return Number.isInteger(reloads) && passed >= 0 && passed < WELL_AFTER_MS ? reloads : 0;
    } catch {
      return 0;
    }
  }

  #remember(reloads) {
    try {
      this.#store?.setItem(KEY, JSON.stringify({ reloads, at: this.#clock.now() }));
    } catch {
      // Storage is full or forbidden: each reload then counts as the first.
    }
  }
}

function storage() {
  try {
    return sessionStorage;
  } catch {
    return null;
  }
}

// Wall-clock time, since it is kept over a reload.
const browserClock = {
  now: () => Date.now(),
  after: (ms, what) => setTimeout(what, ms),
};

async function pageIsThere() {
  try {
    return (await fetch(location.href, { method: "HEAD", cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

function reloadPage() {
  location.reload();
}

/** Returns the failure with the coming reload instead of advice to a person. */
export function comingBack(failure, waitMs) {
  const seconds = Math.round(waitMs / 1000);
  return {
    ...failure,
    text: [failure.text[0], `This page reloads automatically in ${seconds} s and keeps trying.`],
  };
}

/** Fills the screen with `element` at the first gesture; browsers do not allow it without one. */
export function fillScreenOnGesture(element, { page = document } = {}) {
  const names = ["pointerdown", "keydown"];
  const ask = () => {
    if (page.fullscreenElement) return;
    // The browser may not accept this gesture; the next one may work.
    Promise.resolve(element.requestFullscreen?.({ navigationUI: "hide" })).catch(() => {});
  };
  // A person who leaves full screen does so on purpose: stop asking.
  const stop = () => {
    if (!page.fullscreenElement) return;
    names.forEach((name) => page.removeEventListener(name, ask, { capture: true }));
    page.removeEventListener("fullscreenchange", stop);
  };
  names.forEach((name) => page.addEventListener(name, ask, { capture: true }));
  page.addEventListener("fullscreenchange", stop);
}

const ASK_AGAIN_MS = 60_000;

/**
 * Keeps the screen awake while the page is visible. `tell(words)` reports why that fails, and
 * `tell(null)` that it works; each only on a change.
 */
export function keepAwake(tell, { browser = navigator, page = document, secure = isSecureContext, after = setTimeout } = {}) {
  let lock = null;
  let told;
  const say = (words) => {
    if (told !== words) tell((told = words));
  };
  const ask = async () => {
    if (lock || page.visibilityState !== "visible") return;
    if (!browser.wakeLock) {
      const why = secure ? "this browser cannot keep the screen on" : "the page was loaded over http, and browsers keep the screen awake over https only";
      say(`The screen may go dark: ${why}.`);
      return;
    }
    try {
      lock = await browser.wakeLock.request("screen");
      // The lock is released when the page is hidden, or by the battery saver.
      lock.addEventListener("release", () => {
        lock = null;
        after(ask, ASK_AGAIN_MS);
      });
      say(null);
    } catch (error) {
      if (page.visibilityState === "visible") say(`The screen may go dark: the browser refused to keep it awake (${error.name}).`);
      after(ask, ASK_AGAIN_MS);
    }
  };
  page.addEventListener("visibilitychange", ask);
  ask();
}
