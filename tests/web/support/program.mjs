// The program under test as processes: the server of page and studio, and commands that read events
// without a page.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../..");
export const DIST = path.join(ROOT, "web/dist");

export const TARGET = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
const PROGRAM = process.env.METERBRIDGE_BIN ?? path.join(TARGET, "debug/meterbridge");

/** Environment without the caller's settings. */
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("METERBRIDGE_"))),
  TZ: "UTC",
  XDG_RUNTIME_DIR: "/tmp",
};

if (!fs.existsSync(PROGRAM)) {
  throw new Error(`there is no program at ${PROGRAM}: run cargo build, or set METERBRIDGE_BIN`);
}
if (!fs.existsSync(path.join(DIST, "index.html"))) {
  throw new Error(`there is no page in ${DIST}: run web/build.sh`);
}

/** Runs the program to its end with `input`; resolves with its standard output. */
async function answer(args, input = "") {
  const child = spawn(PROGRAM, args, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
  let out = "";
  let errors = "";
  child.stdout.on("data", (data) => (out += data));
  child.stderr.on("data", (data) => (errors += data));
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`meterbridge ${args.join(" ")}: exit code ${code}: ${errors}`);
  return out;
}

/** Returns the report of an undisturbed viewer after these frames. */
export async function inspect(frames) {
  return JSON.parse(await answer(["inspect", "--json", "-"], frames.map((frame) => `${frame}\n`).join("")));
}

/** Returns the native picture of a recording at its end, as PNG. */
export async function snapshot(recording, { width, height }, into) {
  await answer(["snapshot", recording, "--size", `${width}x${height}`, "-o", into]);
  return fs.readFileSync(into);
}

/** Options of a hub whose backend fails no run when a socket closes, like that of the browser tests. */
export const WITH_SOCKETS = { "safe-sockets": true };

/** `meterbridge serve`: the page, with a demo studio or as the hub of a backend. */
export class Serve {
  #child;

  /**
   * `of`: the backend's URL; without it, the demo studio. `env`: environment variables. `options` as on
   * the command line: `{speed: 20, "allow-actions": true}`.
   */
  static async start({ of, port = 0, env = {}, ...options } = {}) {
    const args = ["serve", ...(of ? [of] : []), "--listen", `127.0.0.1:${port}`, "--page", DIST];
    for (const [name, value] of Object.entries(options)) {
      args.push(`--${name}`, ...(value === true ? [] : [String(value)]));
    }
    const child = spawn(PROGRAM, args, { env: { ...environment, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let errors = "";
    child.stderr.on("data", (data) => (errors += data));
    const address = await new Promise((resolve, reject) => {
      child.stdout.on("data", (data) => {
        said += data;
        const found = said.match(/http:\/\/127\.0\.0\.1:(\d+)\//);
        if (found) resolve(found);
      });
      child.once("exit", (code) => reject(new Error(`meterbridge serve: exit code ${code}: ${errors}`)));
    });
    return new Serve(child, Number(address[1]));
  }

  constructor(child, port) {
    this.#child = child;
    this.port = port;
    this.url = `http://127.0.0.1:${port}/`;
    this.events = `ws://127.0.0.1:${port}/events`;
  }

  /** Pauses the process until it is stopped: no further events are sent. */
  freeze() {
    this.#child.kill("SIGSTOP");
  }

  /** Stops it like Ctrl-C: clients are closed properly. */
  async stop() {
    await this.#end("SIGTERM");
  }

  /** Kills it like a power cut, except that the system closes its sockets. */
  async kill() {
    await this.#end("SIGKILL");
  }

  async #end(signal) {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    // A paused process would never handle the signal.
    child.kill("SIGCONT");
    await ended;
  }
}
