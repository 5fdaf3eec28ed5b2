// A viewer without disturbances.

import { once } from "node:events";

import { WebSocket } from "ws";

export class Witness {
  /** All frames, in order. */
  frames = [];
  #socket;

  static async of(url) {
    const witness = new Witness();
    witness.#socket = new WebSocket(url);
    witness.#socket.on("message", (data) => witness.frames.push(data.toString()));
    await once(witness.#socket, "open");
    return witness;
  }

  stop() {
    this.#socket.terminate();
  }
}
