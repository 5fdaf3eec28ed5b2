// State of the display as reported by its events, in words for the page.

import { cut, sentence } from "./words.js";

/** Time for which a failure is news, the same as in the display. */
export const NEWS_MS = 60_000;

const LOST = new Set(["reconnecting", "failed"]);

/** True when events arrive live, as far as is known. */
const isLive = ({ updates }) => !updates || updates === "live";

export class Status {
  #active = new Set();
  #connection = null;
  #wasLost = false;
  /** Address of the last established connection; null before the first. */
  #reached = null;
  #failure = null;

  /**
   * Takes over the result of `state()`, which covers more than the events since the page was loaded.
   */
  resync(state) {
    if (!Array.isArray(state?.runs)) return;
    const running = state.runs.filter((run) => run.status === "running");
    this.#active = new Set(running.map((run) => run.run_id));
  }

  started(run) {
    this.#active.add(run.run_id);
  }

  ended(run) {
    this.#active.delete(run.run_id);
  }

  failed(run, now) {
    this.ended(run);
    this.#failure = { run, until: now + NEWS_MS };
  }

  /**
   * Handles a change of the connection; returns the announcement, or null: a further attempt is no
   * news.
   */
  connection(detail) {
    const before = this.#connection;
    this.#connection = detail;
    const wasConnected = this.#reached === (detail.url ?? "");
    const why = detail.reason ? `: ${cut(detail.reason, 120)}` : "";
    switch (detail.state) {
      case "reconnecting":
        if (this.#wasLost) return null;
        this.#wasLost = true;
        return `${sentence(`${wasConnected ? "Connection lost" : "Cannot connect"}${why}`)} Retrying automatically.`;
      case "failed":
        this.#wasLost = true;
        return `${wasConnected ? "No connection" : "Cannot connect"}${why}`;
      case "connected": {
        const back = this.#wasLost && wasConnected ? "The connection is back" : "Connected";
        this.#wasLost = false;
        this.#reached = detail.url ?? "";
        const hasNews = isLive(detail);
        // Why there are no live events; after that, that they are live again.
        const how = hasNews ? "Events are live again" : cut(detail.reason, 160);
        if (before?.state !== "connected") return hasNews ? back : `${sentence(back)} ${how}`;
        return before.updates === detail.updates ? null : how;
      }
      case "disconnected":
        this.#wasLost = false;
        return before && before.state !== "disconnected" ? "Disconnected" : null;
      default:
        return null;
    }
  }

  /** Returns the missing link: the connection, or the backend behind a connected hub; null if none. */
  get lacks() {
    if (LOST.has(this.#connection?.state)) return "connection";
    return this.#connection?.updates === "cut" ? "backend" : null;
  }

  /** Returns the milliseconds for which a failure is still news; null when there is none. */
  newsLeftMs(now) {
    return this.#failure && this.#failure.until > now ? this.#failure.until - now : null;
  }

  /** Returns the title of the document. */
  title(now) {
    const ending = " – Meterbridge";
    if (this.lacks) return `⚠ no ${this.lacks}${ending}`;
    if (this.newsLeftMs(now) !== null) {
      const { run } = this.#failure;
      return `✕ ${run.node || "run"} failed, ${cut(run.title, 40) || "untitled"}${ending}`;
    }
    return this.#active.size ? `● ${this.#active.size} running${ending}` : "Meterbridge";
  }

  /** Returns the canvas's label, for screen readers. */
  label(now) {
    const runs = this.#active.size;
    const parts = [runs === 0 ? "none running" : `${runs} running`];
    if (this.newsLeftMs(now) !== null) {
      const { run } = this.#failure;
      parts.push(`${cut(run.title, 60) || "a run"} failed${run.node ? ` at ${run.node}` : ""}`);
    }
    if (this.lacks) parts.push(`no ${this.lacks}`);
    else if (this.#connection) parts.push(isLive(this.#connection) ? this.#connection.state : "polling");
    return `Meterbridge, live view of song runs: ${parts.join(", ")}`;
  }
}
