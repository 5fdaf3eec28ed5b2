// Turns the display's DOM events into the page's title, the canvas's label and announcements.

import { Announcer } from "./announcer.js";
import { Status } from "./status.js";

/** A title that changes more often than this flickers. */
const LEAST_MS = 1000;

/**
 * Follows the events of `canvas`. `live`: element that is read out, or null; `ownsTitle`: whether
 * the document's title is ours to write; `readState()`: the display's state, or null.
 */
export function report(canvas, { live, ownsTitle, readState }) {
  const status = new Status();
  const announcer = new Announcer((text) => {
    // A new element is read even where its words are those of the last.
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

  // What a server replays to a page that has just come is history. What it replays to one that was
  // away for a while is news.
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
    /** The display is gone: nothing of it is to be told any more. */
    end(words) {
      over = true;
      clearTimeout(timer);
      clearTimeout(newsTimer);
      if (ownsTitle) document.title = `✕ ${words} – Meterbridge`;
      canvas.setAttribute("aria-label", `Meterbridge: ${words}`);
    },
  };
}
