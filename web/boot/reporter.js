// Turns the display's DOM events into the page's title, the canvas's label and announcements.

import { Announcer } from "./announcer.js";
import { Status } from "./status.js";

/** Least time between two changes of the title, which would otherwise flicker. */
const LEAST_MS = 1000;

/**
 * Follows the events of `canvas`. `live`: element for announcements, or null; `ownsTitle`: true when
 * the document's title may be written; `readState()`: returns the display's state, or null.
 */
export function report(canvas, { live, ownsTitle, readState }) {
  const status = new Status();
  const announcer = new Announcer((text) => {
    // A new element is read aloud even if its text equals the last one.
    const line = document.createElement("span");
    line.textContent = text;
    live?.replaceChildren(line);
  });

  let writtenAt = -Infinity;
  let timer = null;
  let newsTimer = null;
  let over = false;
  const write = () => {
    timer = null;
    if (over) return;
    const now = performance.now();
    writtenAt = now;
    const title = status.title(now);
    if (ownsTitle && document.title !== title) document.title = title;
    const label = status.label(now);
    if (canvas.getAttribute("aria-label") !== label) canvas.setAttribute("aria-label", label);
    const left = status.newsLeftMs(now);
    clearTimeout(newsTimer);
    if (left !== null) newsTimer = setTimeout(write, left + 50);
  };
  const refresh = () => {
    if (timer === null) {
      timer = setTimeout(write, Math.max(50, writtenAt + LEAST_MS - performance.now()));
    }
  };
  const on = (name, handle) =>
    canvas.addEventListener(`meterbridge:${name}`, (event) => {
      handle(event.detail ?? {});
      refresh();
    });

  // A replay to a new page is history. A replay after a reconnect is news.
  let connections = 0;
  let connection = null;
  const tell = (kind, run) => {
    if (run.live || connections > 1) announcer.tell({ kind, run });
  };

  on("ready", () => status.resync(readState()));
  on("run-started", (run) => {
    status.started(run);
    tell("started", run);
  });
  on("run-completed", (run) => {
    status.ended(run);
    tell("completed", run);
  });
  on("run-cancelled", (run) => {
    status.ended(run);
    tell("cancelled", run);
  });
  on("run-failed", (run) => {
    if (run.live || connections > 1) status.failed(run, performance.now());
    else status.ended(run);
    tell("failed", run);
  });
  on("connection", (detail) => {
    if (detail.state === "connected" && connection !== "connected") connections += 1;
    connection = detail.state;
    status.resync(readState());
    const words = status.connection(detail);
    if (words) announcer.tell({ kind: "words", words });
  });

  return {
    /** The display has failed: nothing more is reported. */
    end(words) {
      over = true;
      clearTimeout(timer);
      clearTimeout(newsTimer);
      if (ownsTitle) document.title = `✕ ${words} – Meterbridge`;
      canvas.setAttribute("aria-label", `Meterbridge: ${words}`);
    },
  };
}
