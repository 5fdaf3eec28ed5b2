// Recordings in the page: dropped, chosen in a dialog, refused, and the way back to the stream.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";

import { browserTest } from "../support/display.mjs";
import { ROOT } from "../support/program.mjs";
import { Studio, started } from "../support/studio.mjs";

const SCENES = path.join(ROOT, "tests/fixtures/scenes");
const recording = (name) => fs.readFileSync(path.join(SCENES, `${name}.ndjson`));

/** Drops files on the canvas, as the browser does: `{name, bytes}` with the bytes in base64. */
function drop(files) {
  const transfer = new DataTransfer();
  for (const { name, bytes } of files) {
    const decoded = Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([decoded], name));
  }
  const canvas = document.querySelector("canvas");
  const tell = (type) =>
    canvas.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  tell("dragenter");
  const hint = document.querySelector(".mb-drop")?.textContent;
  tell("dragover");
  tell("drop");
  return { hint, left: document.querySelector(".mb-drop") !== null };
}

const file = (name, bytes) => ({ name, bytes: bytes.toString("base64") });

const ids = ({ runs }) => runs.map(({ run_id }) => run_id);

/** Opens a page that shows the run `live` of a studio. */
async function watching(bench) {
  const studio = await bench.use(Studio.open({ replay: [started("live", "Copper Sky")] }));
  const display = await bench.open({ source: studio.url });
  await display.until("the live run", (state) => ids(state).includes("live"));
  return { studio, display };
}

browserTest("dropped recordings replace the stream, and are played as one", async (bench) => {
  const { display } = await watching(bench);
  const dropped = await display.ask(drop, [
    file("wall-3.ndjson", recording("wall-3")),
    file("failed.ndjson.gz", gzipSync(recording("failed"))),
  ]);
  assert.deepEqual(dropped, { hint: "Drop to open", left: false });
  const state = await display.until("recorded runs", (state) => state.runs.length > 0 && !ids(state).includes("live"));
  assert.match(state.connection.url, /^file:wall-3\.ndjson and 1 more$/);
  assert.equal(new URL(await display.ask(() => window.meterbridge.link())).protocol, "http:");
});

browserTest("a file that is no recording is told, and changes nothing", async (bench) => {
  const { display } = await watching(bench);
  // The display logs it, too.
  bench.allow(/not opened: /);
  await display.ask(drop, [file("notes.txt", Buffer.from("Dear diary,\nnothing happened today.\n"))]);
  const told = ({ view }) => view.toasts.some((toast) => toast.includes("`notes.txt` is not a recording"));
  const state = await display.until("the reason", told);
  assert.deepEqual(ids(state), ["live"]);
  assert.equal(state.connection.state, "connected");
  await display.ask(drop, [file("a.ndjson.zst", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]))]);
  await display.until("the advice", ({ view }) => view.toasts.some((toast) => toast.includes("unpack it with `unzstd`")));
  assert.deepEqual(ids(await display.state()), ["live"]);
});

browserTest("the dialog opens a recording, and connect leads back to the stream", async (bench) => {
  const { studio, display } = await watching(bench);
  const chooser = display.page.waitForEvent("filechooser");
  // A browser shows dialogs only after the user did something.
  await display.page.mouse.click(5, 5);
  await display.ask(() => document.querySelector("canvas").dispatchEvent(new CustomEvent("meterbridge:choose-files")));
  const dialog = await chooser;
  assert.ok(dialog.isMultiple());
  await dialog.setFiles(path.join(SCENES, "failed.ndjson"));
  await display.until("the recorded run", (state) => state.runs.length > 0 && !ids(state).includes("live"));

  await display.ask((url) => window.meterbridge.connect(url), studio.url);
  const state = await display.until("the stream", (state) => ids(state).includes("live"));
  assert.deepEqual(ids(state), ["live"]);
  assert.equal(state.connection.url, studio.url);
  assert.equal(studio.connections, 2);
});
