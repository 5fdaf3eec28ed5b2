// What the browser must have.

/** The first thing that is lacking, "wasm" or "webgl2"; null when all is there. */
export function lacking() {
  if (typeof WebAssembly !== "object" || typeof WebAssembly.instantiateStreaming !== "function") {
    return "wasm";
  }
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) return "webgl2";
  // Browsers allow few contexts at a time: this one has said what it was for.
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return null;
}
