// Puts the display on a canvas: checks, download, start, and the handling of their failures.

import { actionsOf } from "./actions.js";
import { showCard } from "./card.js";
import { ensureClipboard } from "./clipboard.js";
import { DownloadError, downloadWasm } from "./download.js";
import * as failures from "./failures.js";
import { claimKeys } from "./keys.js";
import { Comeback, comingBack, fillScreenOnGesture, isKiosk, keepAwake } from "./kiosk.js";
import { attachLoader } from "./loader.js";
import { acceptFiles } from "./opening.js";
import { report } from "./reporter.js";
import { site } from "./site.js";
import { watchSignIn } from "./signin.js";
import { isMixedContent } from "./sources.js";
import { lacking } from "./support.js";

let mounted = false;

/** A failure that already has its message. */
class Failed extends Error {
  constructor(failure) {
    super(failure.title);
    this.failure = failure;
  }
}

/**
 * Starts the display on `canvas`, which fills its parent element; the parent needs a size of its own.
 * Returns the API at once:
 * `{ready, state, connect, disconnect, select, auto, open, record, rewind, play, pause, link}`.
 *
 * Options, all of them optional:
 * - `query`: settings as in the address of the page, "?source=…&view=…".
 * - `storage`: keep settings in this browser. Default: false.
 * - `live`: an element with aria-live for announcements; null for none.
 * - `title`: show the state in the document's title. Default: false.
 * - `ownsPage`: the page is nothing but the display. Default: false.
 */
export function mount(canvas, options = {}) {
  if (mounted) throw new Error("Meterbridge is on this page already: a page has one display");
  mounted = true;
  const { query = "", storage = false, live = null, title = false, ownsPage = false } = options;
  const frame = canvas.parentElement;
  frame.classList.add("mb-frame");
  if (!canvas.id) canvas.id = "meterbridge";
  if (!canvas.hasAttribute("role")) canvas.setAttribute("role", "application");
  needStyle();
  const kiosk = isKiosk(query);
  claimKeys(canvas);
  ensureClipboard();
  // The scripts run, so the message that they do not is not needed.
  frame.querySelector(":scope > .mb-late")?.remove();

  const loader = attachLoader(frame, site.wasmBytes);
  const comeback = kiosk && ownsPage ? new Comeback() : null;
  let display = null;
  let mayGoDark = null;
  let ended = null;
  let started = false;
  const readState = () => {
    try {
      return display && !ended ? JSON.parse(display.state()) : null;
    } catch {
      return null;
    }
  };
  const reporter = report(canvas, { live, ownsTitle: title, readState });

  let settle;
  const ready = new Promise((resolve, reject) => {
    settle = { resolve, reject };
  });
  // A caller that does not await `ready` sees the card; the console needs no second message.
  ready.catch(() => {});

  const fail = (failure) => {
    // A panic is reported twice, as the display's own event and as an error of the page: the first has
    // the message.
    if (ended) return;
    ended = failure;
    loader.failed(Boolean(failure.keepPicture));
    reporter.end(failure.short);
    // Wrong settings remain wrong after a reload.
    const returns = comeback && failure.actions.includes("reload");
    const shown = returns ? comingBack(failure, comeback.begin()) : failure;
    showCard(frame, shown, actionsOf(failure, { query, ownsPage }), { focus: ownsPage });
    settle.reject(new Error(failure.detail ? `${failure.title}: ${failure.detail}` : failure.title));
  };

  canvas.addEventListener("meterbridge:ready", () => {
    if (ended) return;
    started = true;
    loader.ready();
    // Its keys must work without a click first.
    if (ownsPage && document.activeElement === document.body) canvas.focus({ preventScroll: true });
    settle.resolve(api);
  });
  canvas.addEventListener("meterbridge:crashed", (event) =>
    fail(failures.crashed(event.detail?.message ?? "no message", { started })),
  );
  canvas.addEventListener("webglcontextlost", () => fail(failures.contextLost()));
  const trapped = (error) => {
    if (error instanceof WebAssembly.RuntimeError) fail(failures.crashed(error.message, { started }));
  };
  window.addEventListener("error", (event) => trapped(event.error));
  window.addEventListener("unhandledrejection", (event) => trapped(event.reason));

  const running = () => {
    if (ended) throw new Error(`Meterbridge does not run: ${ended.title}`);
    if (!display) throw new Error("Meterbridge is not ready: wait for meterbridge.ready");
    return display;
  };
  const api = {
    /** Resolves with this object when the first picture is drawn; rejects when the start fails. */
    ready,
    /** Returns the display's state as in `meterbridge inspect --json`, with connection and view. */
    state: () => JSON.parse(running().state()),
    connect(url) {
      if (isMixedContent(location.protocol, url)) {
        throw new Error("A page loaded over https cannot open ws:// streams: use wss://");
      }
      running().connect(url);
    },
    disconnect: () => running().disconnect(),
    /** Shows this run; without an id, follows the newest run again. */
    select: (runId) => running().select(runId),
    /** Starts the director: the wall, and runs worth a look. */
    auto: () => running().auto(),
    /** Shows this moment, a `Date` or an instant as text; without one, goes back to live. */
    rewind: (at) => running().rewind(at instanceof Date ? at.toISOString() : at),
    /** Lets the past play on. */
    play: () => running().play(true),
    /** Stops the picture. */
    pause: () => running().play(false),
    /** Shows recordings: an array of `File`. What is shown stays where they cannot be opened. */
    open: (files) => {
      running();
      return openFiles([...files]);
    },
    /** Begins to record what arrives; the same again ends it, and the browser saves the file. */
    record: () => running().record(),
    /** Returns the address of this page with the current settings. */
    link: () => running().link(),
  };

  /** Does something with the display, as soon as it runs. */
  const whenRunning = (act) => {
    const run = () => {
      if (!ended && display) act(display);
    };
    ready.then(run, () => {});
  };

  const openFiles = acceptFiles(frame, canvas, {
    hand: (files) => {
      const [names, contents] = [files.map(({ name }) => name), files.map(({ bytes }) => bytes)];
      whenRunning((shown) => shown.open_recordings(names, contents));
    },
    refuse: (reason) => {
      whenRunning((shown) => shown.opening_failed(reason));
    },
  });

  /** Shows a card for as long as a condition holds. */
  const pass = (holds, failure) => {
    if (ended) return;
    frame.querySelectorAll(":scope > .mb-card").forEach((card) => card.remove());
    if (holds) showCard(frame, failure, actionsOf(failure, { query, ownsPage }), { focus: false });
  };
  const stall = (isStalled) => pass(isStalled, failures.stalled());
  watchSignIn(canvas, (wanted) => pass(wanted, failures.signInWanted()));

  if (kiosk) {
    fillScreenOnGesture(ownsPage ? document.documentElement : frame);
    keepAwake((words) => {
      mayGoDark = words;
      if (words) console.info(words);
      if (!ended) display?.may_go_dark(words ?? undefined);
    });
  }
  const take = (module) => {
    display = module;
    if (mayGoDark) module.may_go_dark(mayGoDark);
  };
  launch({ canvas, query, storage, loader, stall, take }).catch(
    (error) => fail(error instanceof Failed ? error.failure : unforeseen(error, started)),
  );
  return api;
}

async function launch({ canvas, query, storage, loader, stall, take }) {
  const lack = lacking();
  if (lack) throw new Failed(lack === "wasm" ? failures.noWasm() : failures.noWebGl2());
  const source = new URLSearchParams(query).get("source");
  if (source && isMixedContent(location.protocol, source)) {
    throw new Failed(failures.mixedContent(source));
  }

  const [module, wasm] = await Promise.all([
    import(site.script).catch((error) => {
      throw new Failed(failures.scriptMissing(error));
    }),
    downloadWasm(site.wasm, { onProgress: loader.progress, onStall: stall }),
  ]);
  try {
    await module.default({ module_or_path: wasm.response });
  } catch (error) {
    throw new Failed(whyNotInstantiated(error));
  } finally {
    wasm.done();
  }
  loader.starting();
  take(module);
  try {
    module.start({ canvas: `#${CSS.escape(canvas.id)}`, query, storage });
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    throw new Failed(failures.badSettings(error?.message ?? error));
  }
}

function whyNotInstantiated(error) {
  if (error instanceof WebAssembly.RuntimeError) return failures.crashed(error.message, { started: false });
  if (error instanceof WebAssembly.CompileError || error instanceof WebAssembly.LinkError) {
    return failures.notRunnable(error);
  }
  return failures.interrupted(error);
}

function unforeseen(error, started) {
  if (error instanceof DownloadError) return failures.downloadFailed(error);
  return failures.crashed(error?.message ?? error, { started });
}

/** Adds the style sheet. An embedding page cannot name it, because its name has a hash in it. */
function needStyle() {
  const links = [...document.querySelectorAll('link[rel="stylesheet"]')];
  if (links.some((link) => link.href === site.style)) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = site.style;
  document.head.append(link);
}
