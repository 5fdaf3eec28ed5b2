// Required features of the browser.

/** A module that is valid only with SIMD: one function, `i8x16.popcnt(i8x16.splat(0))`. */
// prettier-ignore
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11,
]);

/**
 * True when WebAssembly is available with SIMD, as in every browser that has been current since 2023.
 */
export function hasWasm() {
  return (
    typeof WebAssembly === "object" &&
    typeof WebAssembly.instantiateStreaming === "function" &&
    WebAssembly.validate(SIMD)
  );
}

/** Returns the first missing feature, "wasm" or "webgl2"; null when nothing is missing. */
export function lacking() {
  if (!hasWasm()) return "wasm";
  const context = document.createElement("canvas").getContext("webgl2");
  if (!context) return "webgl2";
  // Browsers allow few contexts at a time, so the probe is released.
  context.getExtension("WEBGL_lose_context")?.loseContext();
  return null;
}
