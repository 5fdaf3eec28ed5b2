// Runs the real program on a virtual screen and reads the system's figures about it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const target = process.env.CARGO_TARGET_DIR ?? path.join(ROOT, "target");
export const PROGRAM = process.env.METERBRIDGE_BIN ?? path.join(target, "release/meterbridge");
/** Unit of processor time in /proc: a hundredth of a second on every Linux. */
const TICKS_A_SECOND = 100;

export const load = () => os.loadavg()[0].toFixed(1);

/** Milliseconds that the hypervisor took from this machine's processors so far (steal time). */
export function stolenMs() {
  const all = fs.readFileSync("/proc/stat", "utf8").split("\n", 1)[0].trim().split(/\s+/);
  return Number(all[8] ?? 0) * (1000 / TICKS_A_SECOND);
}

/** Collects a child's output until a line matches; resolves with the match. */
function said(child, stream, pattern) {
  let text = "";
  return new Promise((resolve, reject) => {
    stream.on("data", (data) => {
      text += data;
      const found = text.match(pattern);
      if (found) resolve(found);
    });
    child.once("exit", (code) => reject(new Error(`${child.spawnfile}: exit code ${code}: ${text}`)));
  });
}

export class Screen {
  #children = [];
  #home = fs.mkdtempSync(path.join(os.tmpdir(), "meterbridge-bench-"));

  static async open(size) {
    const screen = new Screen();
    const args = ["-displayfd", "3", "-screen", "0", `${size}x24`, "-nolisten", "tcp"];
    const server = spawn("Xvfb", args, { stdio: ["ignore", "ignore", "ignore", "pipe"] });
    screen.#children.push(server);
    const [, display] = await said(server, server.stdio[3], /(\d+)\n/);
    screen.display = `:${display}`;
    return screen;
  }

  /** Starts our program without the caller's settings. */
  start(args) {
    const own = Object.entries(process.env).filter(
      ([name]) => !/^(METERBRIDGE_|WAYLAND_|RUST_LOG$)/.test(name),
    );
    const home = Object.fromEntries(
      ["CONFIG", "STATE", "CACHE", "DATA"].map((kind) => [`XDG_${kind}_HOME`, this.#home]),
    );
    const env = { ...Object.fromEntries(own), ...home, DISPLAY: this.display, NO_COLOR: "1" };
    const child = spawn(PROGRAM, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    this.#children.push(child);
    return new Running(child);
  }

  async close() {
    // The screen last: a program that lost its screen would complain.
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    fs.rmSync(this.#home, { recursive: true, force: true });
  }
}

/** A running program. */
class Running {
  /** Lines of its log. */
  log = [];
  #waiting = [];

  constructor(child) {
    this.child = child;
    let rest = "";
    child.stderr.on("data", (data) => {
      const lines = (rest + data).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        this.log.push(line);
        this.#waiting = this.#waiting.filter((take) => !take(line));
      }
    });
  }

  /** Resolves with the next matching line. */
  line(pattern) {
    return new Promise((resolve, reject) => {
      const ended = () => reject(new Error(`the program ended:\n${this.log.slice(-20).join("\n")}`));
      this.child.once("exit", ended);
      this.#waiting.push((line) => {
        const found = line.match(pattern);
        if (!found) return false;
        this.child.off("exit", ended);
        resolve(found);
        return true;
      });
    });
  }

  /** Resolves with the next line of `--stats`, by name. */
  async stats() {
    const [line] = await this.line(/stats: .*/);
    return Object.fromEntries(
      [...line.matchAll(/(\w+)=([\d.]+)/g)].map(([, name, value]) => [name, Number(value)]),
    );
  }

  /** Resolves with the first match in its standard output. */
  answer(pattern) {
    return said(this.child, this.child.stdout, pattern);
  }

  /** Seconds of processor time used so far by all its threads. */
  cpuSeconds() {
    const stat = fs.readFileSync(`/proc/${this.child.pid}/stat`, "utf8");
    // The second field is a name in brackets, which may contain spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
  }

  async end() {
    const ended = once(this.child, "exit");
    this.child.kill("SIGTERM");
    await ended;
  }
}
