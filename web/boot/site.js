// Where the parts of the site are. The build renames the files after their content, here too, and
// fills in what only it knows.

export const site = {
  script: new URL("../meterbridge.js", import.meta.url).href,
  wasm: new URL("../meterbridge_bg.wasm", import.meta.url).href,
  style: new URL("../style.css", import.meta.url).href,
  // Size of the wasm before any compression; 0 while it is not known.
  wasmBytes: 0,
  build: "not built",
};
