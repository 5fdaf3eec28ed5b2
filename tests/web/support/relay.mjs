// A network between a page and a server that can be interrupted.

import { once } from "node:events";
import net from "node:net";

/** Forwards connections from a port of its own to `target`, a port of this machine. */
export class Relay {
  #target;
  #sockets = new Set();
  #server = null;
  port = 0;

  static async to(target) {
    const relay = new Relay(target);
    await relay.mend();
    return relay;
  }

  constructor(target) {
    this.#target = target;
  }

  get url() {
    return `http://127.0.0.1:${this.port}/`;
  }

  /** Closes the port and all connections. */
  async cut() {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** Opens the same port again. */
  async mend() {
    this.#server = net.createServer((client) => {
      const server = net.connect(this.#target, "127.0.0.1");
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        // Abrupt ends are the purpose of the relay.
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#sockets.delete(socket);
          client.destroy();
          server.destroy();
        });
      }
      client.pipe(server).pipe(client);
    });
    this.#server.listen(this.port, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = this.#server.address().port;
  }

  async stop() {
    if (this.#server.listening) await this.cut();
  }
}
