// Recorder that runs in a page before its own scripts.

/** Runs in the page; passed as text. */
export function record() {
  const told = [];
  const sockets = [];
  const violations = [];
  for (const name of ["ready", "run-started", "run-failed", "run-completed", "run-cancelled", "connection", "crashed"]) {
    addEventListener(`meterbridge:${name}`, (event) => told.push({ name, detail: event.detail }));
  }
  addEventListener("securitypolicyviolation", (event) => {
    violations.push(`${event.effectiveDirective}: ${event.blockedURI}`);
  });
  const Socket = window.WebSocket;
  window.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      sockets.push(given[0]);
    }
  };
  // The display's memory is accessible in no other way.
  const memory = { of: null };
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (...given) => {
    const made = await instantiate.apply(WebAssembly, given);
    memory.of = made.instance.exports.memory;
    return made;
  };
  window.recorded = {
    told,
    sockets,
    violations,
    memoryBytes: () => memory.of?.buffer.byteLength ?? 0,
  };
}
