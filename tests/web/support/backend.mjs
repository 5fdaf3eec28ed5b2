// The stand-in for an AMCS backend as a controlled process: examples/stand_in.rs.

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
   * Creates and executes a run of a new song: `{run, song}`. `plan`: `node_ms`, `fails` (a node),
   * `fixes`.
   */
  start(title, plan = {}) {
    return this.#ask({ start: { title, ...plan } });
  }

  /** Creates a run without executing it. */
  add(title, plan = {}) {
    return this.#ask({ add: { title, ...plan } });
  }

  /** Sets the behaviour of runs that clients create. */
  ofClients(plan) {
    return this.#ask({ of_clients: plan });
  }

  /** Creates a song without a run and returns its id. */
  async song(title) {
    return (await this.#ask({ song: title })).song;
  }

  /** Refuses sockets or accepts them again; viewers have to poll meanwhile. */
  refuseSockets(on) {
    return this.#ask({ refuse_sockets: on });
  }

  /** Acts like a power cut, except that the system closes the sockets. Unreachable until `up`. */
  kill() {
    return this.#ask("kill");
  }

  /** Acts like a service manager's stop: sockets are closed with 1012. Unreachable until `up`. */
  terminate() {
    return this.#ask("terminate");
  }

  up() {
    return this.#ask("up");
  }

  /** Returns the true state of a run: `{status, seed, executions}`. */
  run(id) {
    return this.#ask({ run: id });
  }

  /** Returns the received requests in order: "GET /api/v1/runs/…". */
  async requests() {
    return (await this.#ask("seen")).requests;
  }

  /** Returns the received requests that change something. */
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
