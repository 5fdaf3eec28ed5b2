// Downloads the wasm and counts its bytes as the page sees them, after the browser has decompressed
// them, so that they compare with the size known to the build.

/** Reason why a download failed. `kind`: offline, unreachable, missing, refused, server. */
export class DownloadError extends Error {
  constructor(kind, url, status) {
    super(status ? `${url}: HTTP ${status}` : `${url}: no answer`);
    this.name = "DownloadError";
    this.kind = kind;
    this.url = url;
    this.status = status;
  }
}

function kindOfStatus(status) {
  if (status === 404 || status === 410) return "missing";
  return status >= 500 ? "server" : "refused";
}

/** Returns `body` unchanged, with `onBytes(length)` called for each piece. */
export function counted(body, onBytes) {
  return body.pipeThrough(
    new TransformStream({
      transform(piece, controller) {
        onBytes(piece.byteLength);
        controller.enqueue(piece);
      },
    }),
  );
}

/**
 * Calls `onStall(true)` when `touch` was not called for `stallMs`, and `onStall(false)` when it is
 * called again. `stop` ends the watch.
 */
export function stallWatch(stallMs, onStall) {
  let timer;
  let stalled = false;
  const arm = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      stalled = true;
      onStall(true);
    }, stallMs);
  };
  const resume = () => {
    if (stalled) onStall(false);
    stalled = false;
  };
  arm();
  return {
    touch() {
      resume();
      arm();
    },
    stop() {
      clearTimeout(timer);
      resume();
    },
  };
}

/**
 * Returns the wasm at `url` as a `Response` to compile while it arrives, whatever type the server gives
 * it. `onProgress(received)` is called with the number of bytes so far.
 */
export async function downloadWasm(url, { onProgress, onStall, stallMs = 20_000 }) {
  const watch = stallWatch(stallMs, onStall);
  let response;
  try {
    // Same mode as the page's preload, so that there is one download and not two.
    response = await fetch(url, { mode: "cors", credentials: "same-origin" });
  } catch {
    watch.stop();
    throw new DownloadError(navigator.onLine === false ? "offline" : "unreachable", url);
  }
  if (!response.ok || !response.body) {
    watch.stop();
    throw new DownloadError(kindOfStatus(response.status), url, response.status);
  }
  let received = 0;
  watch.touch();
  const body = counted(response.body, (length) => {
    received += length;
    watch.touch();
    onProgress(received);
  });
  return {
    response: new Response(body, { headers: { "Content-Type": "application/wasm" } }),
    // Only the reader of the body knows when the download is over.
    done: watch.stop,
  };
}
