// A studio controlled by the test: a WebSocket server with events in the guide's dialect.

import { randomUUID } from "node:crypto";
import { once } from "node:events";

import { WebSocketServer } from "ws";

/** Returns an event's JSON. `more` has `data`, `duration_ms`, `ts`. */
export function event(run_id, node_name, phase, more = {}) {
  return JSON.stringify({
    event_id: randomUUID(),
    ts: new Date().toISOString(),
    run_id,
    ...(node_name ? { node_name } : {}),
    phase,
    ...more,
  });
}

export const started = (run, title) => event(run, null, "start", { data: { song_title: title } });
export const completed = (run, duration_ms = 4000) =>
  event(run, null, "end", { duration_ms, data: { status: "completed" } });

export class Studio {
  #server = null;
  port = 0;
  /** Number of connections made so far. */
  connections = 0;
  /** Frames sent to each new viewer. */
  replay = [];
  /** Adds sent frames to the replay, as a backend does. */
  keeps = true;
  /** Called with each viewer's socket instead of the replay. */
  onViewer = null;

  static async open(options = {}) {
    const studio = Object.assign(new Studio(), options);
    await studio.start();
    return studio;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/events`;
  }

  get viewers() {
    return [...(this.#server?.clients ?? [])].filter((socket) => socket.readyState === socket.OPEN);
  }

  /** Listens; after a `stop` at the same port. */
  async start() {
    this.#server = new WebSocketServer({ host: "127.0.0.1", port: this.port });
    this.#server.on("connection", (socket) => {
      this.connections += 1;
      // Viewers may disconnect at any time.
      socket.on("error", () => {});
      if (this.onViewer) this.onViewer(socket, this.connections);
      else this.replay.forEach((frame) => socket.send(frame));
    });
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
  }

  send(...frames) {
    if (this.keeps) this.replay.push(...frames);
    for (const socket of this.viewers) frames.forEach((frame) => socket.send(frame));
  }

  /** Ends connections with a close frame. */
  close(code, reason) {
    for (const socket of this.viewers) socket.close(code, reason);
  }

  /** Ends connections without a close frame. */
  drop() {
    for (const socket of this.#server.clients) socket.terminate();
  }

  async stop() {
    if (!this.#server) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.drop();
    await closed;
    this.#server = null;
  }
}

/** A text with escape sequences, controls, line breaks, bidi overrides and markup; and what is seen of it. */
export const HOSTILE = {
  sent:
    "a\u001b[2J\u001b]0;t\u0007\u009b31mb\r\nc\u2028d\u202ee\u2066\u0000\u0008f\u200bg<img src=x onerror='window.obeyed = 1'>",
  seen: "ab c defg<img src=x onerror='window.obeyed = 1'>",
};

/** Characters that a reader does not see but a text obeys; line breaks among them. */
export const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
