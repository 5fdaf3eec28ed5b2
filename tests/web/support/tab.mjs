// Pages that can really be hidden.
//
// Playwright makes every page believe that it has the focus (Emulation.setFocusEmulationEnabled), and
// Chromium then considers none of them hidden, whatever covers it. So these tabs are opened without
// Playwright, by the browser's own protocol: two in one window, of which only one is visible. In the
// other, `document.visibilityState` is "hidden" and requestAnimationFrame does not call, while
// WebSocket messages and timers (at most one per second) continue. A minimised window hides its page as
// well; the life cycle state "frozen" stops more than that.

import { browser } from "./browser.mjs";
import { record } from "./recorder.mjs";
import { until } from "./waiting.mjs";

export class Tab {
  #protocol;
  #session;
  #sent = 0;
  #answers = new Map();

  constructor(protocol, targetId, session) {
    this.#protocol = protocol;
    this.targetId = targetId;
    this.#session = session;
    protocol.on("Target.receivedMessageFromTarget", ({ sessionId, message }) => {
      if (sessionId !== session) return;
      const { id, result, error } = JSON.parse(message);
      const answer = this.#answers.get(id);
      if (!answer) return;
      this.#answers.delete(id);
      if (error) answer.reject(new Error(error.message));
      else answer.resolve(result);
    });
  }

  send(method, params = {}) {
    const id = (this.#sent += 1);
    return new Promise((resolve, reject) => {
      this.#answers.set(id, { resolve, reject });
      const message = JSON.stringify({ id, method, params });
      this.#protocol.send("Target.sendMessageToTarget", { sessionId: this.#session, message }).catch(reject);
    });
  }

  /** Returns the value of an expression in the page. */
  async ask(expression) {
    const { result, exceptionDetails: error } = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (error) throw new Error(error.exception?.description ?? error.text);
    return result.value;
  }

  state() {
    return this.ask("window.meterbridge.state()");
  }

  async until(what, holds, options = {}) {
    let last = null;
    return until(
      what,
      async () => {
        last = await this.state();
        return holds(last) && last;
      },
      { seen: () => ({ ...last, runs: last.runs?.length }), ...options },
    );
  }

  /** Brings the tab above the other tabs of its window. */
  async show() {
    await this.#protocol.send("Target.activateTarget", { targetId: this.targetId });
  }
}

/** A window with its own browser context, whose tabs hide each other. */
export class Window {
  #protocol;
  #context;
  #isEmpty = true;

  static async open() {
    const window = new Window();
    window.#protocol = await (await browser()).newBrowserCDPSession();
    ({ browserContextId: window.#context } = await window.#protocol.send("Target.createBrowserContext"));
    return window;
  }

  /** Opens a new tab above the others. */
  async tab(url) {
    const protocol = this.#protocol;
    const { targetId } = await protocol.send("Target.createTarget", {
      url: "about:blank",
      browserContextId: this.#context,
      newWindow: this.#isEmpty,
    });
    this.#isEmpty = false;
    const { sessionId } = await protocol.send("Target.attachToTarget", { targetId, flatten: false });
    const tab = new Tab(protocol, targetId, sessionId);
    await tab.send("Page.enable");
    await tab.send("Page.addScriptToEvaluateOnNewDocument", { source: `(${record})()` });
    if (url) await tab.send("Page.navigate", { url });
    return tab;
  }

  async stop() {
    await this.#protocol.send("Target.disposeBrowserContext", { browserContextId: this.#context });
    await this.#protocol.detach();
  }
}
