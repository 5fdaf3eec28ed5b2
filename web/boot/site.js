// Addresses of the site's parts. The build renames the files after their content, here as well, and
// fills in the values that only it knows.

export const site = {
  script: new URL("../meterbridge.js", import.meta.url).href,
  wasm: new URL("../meterbridge_bg.wasm", import.meta.url).href,
  style: new URL("../style.css", import.meta.url).href,
  // Size of the wasm before compression; 0 while unknown.
  wasmBytes: 0,
  build: "not built",
};
