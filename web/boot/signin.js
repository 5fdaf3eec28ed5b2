// A server that requires a sign-in refuses the stream of events, but a page's socket never learns why.
// So when the page's own server provides no stream, the page is requested once more: if a sign-in is
// required, that request is redirected or refused.

/** True when `url` is a stream of the server `host`. */
export function isOwn(url, host) {
  try {
    return new URL(url).host === host;
  } catch {
    return false;
  }
}

async function wantsSignIn() {
  try {
    const response = await fetch(location.href, { method: "HEAD", cache: "no-store", redirect: "manual" });
    return response.type === "opaqueredirect" || response.status === 401;
  } catch {
    // The server is unreachable, so it requires nothing.
    return false;
  }
}

/**
 * Follows the connection by the events of `canvas`: `tell(true)` when a sign-in is required,
 * `tell(false)` when it no longer is. `ask()` resolves with true when the server requires one.
 */
export function watchSignIn(canvas, tell, { host = location.host, ask = wantsSignIn } = {}) {
  let told = false;
  let isConnected = false;
  let asking = false;
  const say = (wanted) => {
    if (wanted !== told) tell((told = wanted));
  };
  canvas.addEventListener("meterbridge:connection", async ({ detail }) => {
    const { state, url } = detail;
    isConnected = state === "connected";
    if (isConnected || !isOwn(url, host)) return say(false);
    if (asking || !["reconnecting", "failed"].includes(state)) return;
    asking = true;
    const wanted = await ask();
    asking = false;
    // The connection may have come back meanwhile.
    if (!isConnected) say(wanted);
  });
}
