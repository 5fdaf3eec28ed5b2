// Failures of the page in words: what happened, and what to do about it.
//
// A failure is `{tone, title, text: [paragraph], detail?, actions: [name], keepPicture?, short}`.
// Action names are those of actions.js. `short` is for the title of the document.

import { bareAddress, overTls } from "./sources.js";
import { capital, cut, sentence } from "./words.js";

const UP_TO_DATE = "a current Chrome, Edge, Firefox or Safari";

const failed = (failure) => ({ tone: "failed", ...failure });
const wrong = (failure) => ({ tone: "wrong", ...failure });

export function noWebGl2() {
  return failed({
    title: "This browser cannot draw the display",
    short: "cannot draw",
    text: [
      "Meterbridge draws with WebGL 2, and this browser does not support it.",
      `Switch on graphics acceleration in the browser's settings and reload, or use ${UP_TO_DATE}.`,
    ],
    actions: ["reload", "copy"],
  });
}

export function noWasm() {
  return failed({
    title: "This browser cannot run the display",
    short: "cannot run",
    text: [
      "Meterbridge is a WebAssembly program with SIMD, which this browser cannot run: it is too old, or a setting forbids it.",
      `Use ${UP_TO_DATE}, or allow WebAssembly for this site.`,
    ],
    actions: ["reload", "copy"],
  });
}

const DOWNLOADS = {
  offline: {
    title: "This device is offline",
    text: ["The display could not be fetched.", "Connect to the network, then reload."],
  },
  unreachable: {
    title: "The server does not answer",
    text: [
      "The display could not be fetched: the server cannot be reached, or something blocks the connection.",
      "Reload in a moment. If that does not help, tell the operator of this site.",
    ],
  },
  missing: {
    title: "Part of this site is missing",
    text: [
      "The server does not have the display that this page requests. Most often the site has just been updated.",
      "Reload. If that does not help, files of the site are missing on the server.",
    ],
  },
  refused: {
    title: "The server refused to send the display",
    text: ["The server may require you to sign in.", "Reload, and sign in again if you are asked to."],
  },
  server: {
    title: "The server has a problem",
    text: ["The server failed to send the display.", "Reload in a moment."],
  },
};

export function downloadFailed(error) {
  return failed({
    ...DOWNLOADS[error.kind],
    short: "not loaded",
    detail: error.message,
    actions: ["reload", "copy"],
  });
}

export function scriptMissing(error) {
  return failed({
    ...DOWNLOADS.missing,
    text: [
      "A script of the display could not be fetched. Most often the site has just been updated, or the network failed.",
      "Reload. If that does not help, files of the site are missing on the server.",
    ],
    short: "not loaded",
    detail: String(error?.message ?? error),
    actions: ["reload", "copy"],
  });
}

export function interrupted(error) {
  return failed({
    title: "The download was interrupted",
    short: "not loaded",
    text: ["The connection to the server was lost during the download.", "Reload to fetch the display again."],
    detail: String(error?.message ?? error),
    actions: ["reload", "copy"],
  });
}

export function notRunnable(error) {
  return failed({
    title: "The display does not run here",
    short: "cannot run",
    text: [
      "The downloaded display is damaged, or this browser is too old for it.",
      `Reload. If that does not help, use ${UP_TO_DATE}.`,
    ],
    detail: String(error?.message ?? error),
    actions: ["reload", "copy"],
  });
}

export function stalled() {
  return wrong({
    title: "The download has stopped",
    short: "waiting",
    text: [
      "Nothing has come from the server for 20 seconds.",
      "The download continues automatically when the network is back. To start again, reload.",
    ],
    actions: ["reload"],
    passing: true,
  });
}

export function signInWanted() {
  return wrong({
    title: "This server requires a sign-in",
    short: "not signed in",
    text: [
      "The server sends no events to this browser. Most often its token has been changed.",
      "After signing in you return to this page with the same settings. Until then the page keeps trying.",
    ],
    actions: ["signIn"],
    passing: true,
  });
}

export function mixedContent(url) {
  return wrong({
    title: "The browser blocks this address",
    short: "not connected",
    text: [
      `This page was loaded over https, and browsers then block unencrypted addresses such as ${bareAddress(url)}.`,
      "Use a wss:// address, or open this page over http.",
    ],
    actions: ["ownEvents", "useTls", "copy"],
    tls: overTls(url),
  });
}

/** `message` is the display's own message, one line for a person. */
export function badSettings(message) {
  return wrong({
    title: "The address of this page has a wrong setting",
    short: "wrong settings",
    text: [sentence(capital(cut(message, 400))), "Correct the part after the question mark, or continue without it."],
    actions: ["ownEvents", "copy"],
  });
}

export function crashed(message, { started }) {
  return failed({
    title: started ? "Meterbridge has stopped" : "Meterbridge stopped while it started",
    short: "stopped",
    text: [
      started
        ? "An error ended the display. The picture behind this message is no longer updated."
        : "An error ended the display before its first picture.",
      "Reload to start it again. If it stops again, the details help to find the cause.",
    ],
    detail: cut(message, 2000),
    actions: ["reload", "copy"],
    keepPicture: started,
  });
}

export function contextLost() {
  return failed({
    title: "The browser stopped the graphics",
    short: "stopped",
    text: [
      "The graphics driver was reset, the machine slept, or other pages needed the memory. The display cannot draw any more.",
      "Reload to start it again.",
    ],
    actions: ["reload", "copy"],
  });
}
