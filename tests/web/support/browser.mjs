// One Chromium for all tests of a process.

import fs from "node:fs";
import path from "node:path";

import { chromium } from "playwright-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
const installed = (process.env.PATH ?? "")
  .split(path.delimiter)
  .flatMap((folder) => NAMES.map((name) => path.join(folder, name)));
const executablePath = process.env.METERBRIDGE_CHROMIUM ?? installed.find((file) => fs.existsSync(file));
if (!executablePath) {
  throw new Error("there is no Chromium: apt-get install chromium, or set METERBRIDGE_CHROMIUM");
}

const args = [
  // WebGL 2 on the processor, the same everywhere.
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--ignore-gpu-blocklist",
  // No background requests of its own.
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
// Chromium refuses to run its sandbox as root.
if (process.getuid?.() === 0) args.push("--no-sandbox");

/**
 * Playwright's options that make hidden pages run like visible ones, which would defeat these tests.
 */
const ignoreDefaultArgs = [
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
];

let launched = null;

export function browser() {
  launched ??= chromium.launch({ executablePath, args, ignoreDefaultArgs });
  return launched;
}

export async function closeBrowser() {
  await (await launched)?.close();
}
