// The stand-in for an AMCS backend, as a process that does as it is told: examples/stand_in.rs.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import readline from "node:readline";

import { TARGET } from "./program.mjs";

const PROGRAM = path.join(TARGET, "debug/examples/stand_in");

export class Backend {
  #child;
  #answers = [];

  static async open() {
    if (!fs.existsSync(PROGRAM)) {
      throw new Error(`there is no stand-in at ${PROGRAM}: run cargo build --example stand_in`);
    }
    const backend = new Backend();
    const child = spawn(PROGRAM, ["--listen", "127.0.0.1:0", "--runs", "0", "--bears-watchers"], { stdio: ["pipe", "pipe", "inherit"] });
    backend.#child = child;
    backend.url = await new Promise((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`stand_in: exit code ${code}`)));
      readline.createInterface({ input: child.stdout }).on("line", (line) => {
        const found = line.match(/http:\/\/127\.0\.0\.1:\d+/);
        if (found) resolve(found[0]);
        else backend.#answers.shift()?.(JSON.parse(line));
      });
    });
    return backend;
  }

  async #ask(wish) {
    const answer = await new Promise((resolve) => {
      this.#answers.push(resolve);
      this.#child.stdin.write(`${JSON.stringify(wish)}\n`);
    });
    if (answer.error) throw new Error(`stand_in: ${JSON.stringify(wish)}: ${answer.error}`);
    return answer;
  }

  /**
   * A run of a new song, which is executed: `{run, song}`. `plan`: `node_ms`, `fails` (a node),
   * `fixes`.
   */
  start(title, plan = {}) {
    return this.#ask({ start: { title, ...plan } });
  }

  /** The same, but nobody executes it. */
  add(title, plan = {}) {
    return this.#ask({ add: { title, ...plan } });
  }

  /** What runs do that clients create. */
  ofClients(plan) {
    return this.#ask({ of_clients: plan });
  }

  /** The id of a song without a run. */
  async song(title) {
    return (await this.#ask({ song: title })).song;
  }

  /** Whether sockets are refused, so that whoever watches has to ask. */
  refuseSockets(on) {
    return this.#ask({ refuse_sockets: on });
  }

  /** As a power cut, but that the system still closes its sockets. Nobody is there until `up`. */
  kill() {
    return this.#ask("kill");
  }

  /** As a service manager ends it: sockets are closed with 1012. Nobody is there until `up`. */
  terminate() {
    return this.#ask("terminate");
  }

  up() {
    return this.#ask("up");
  }

  /** What is true of a run: `{status, seed, executions}`. */
  run(id) {
    return this.#ask({ run: id });
  }

  /** What was asked of it, in order: "GET /api/v1/runs/…". */
  async requests() {
    return (await this.#ask("seen")).requests;
  }

  /** What would have changed something. */
  async posts() {
    return (await this.requests()).filter((request) => request.startsWith("POST "));
  }

  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }
}
