// A server that wants to be signed in to refuses the stream of events, and a page's socket never learns
// why. So where the stream of the page's own server does not come, the page is asked for once more: who
// has to sign in is sent elsewhere, or refused.

/** Whether `url` is a stream of the server that `host` names. */
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
    // Nobody is there, who could want anything.
    return false;
  }
}

/**
 * Follows the connection by the events of `canvas`: `tell(true)` when it takes a sign-in to have it,
 * `tell(false)` when that is over. `ask()` tells in a promise whether the server wants one.
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
    // It may have come back meanwhile.
    if (!isConnected) say(wanted);
  });
}
