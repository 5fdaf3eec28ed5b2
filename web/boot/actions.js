// What the buttons of a message card do.

import { site } from "./site.js";
import { withSource } from "./sources.js";

function open(query) {
  location.assign(`${location.pathname}${query}`);
}

/** What to hand to whoever looks into a failure. Values of the query may be secrets: only names. */
function details(failure, query) {
  return [
    failure.title,
    ...(failure.detail ? [failure.detail] : []),
    `page: ${location.origin}${location.pathname}`,
    `settings: ${[...new URLSearchParams(query).keys()].join(", ") || "none"}`,
    `build: ${site.build}`,
    `browser: ${navigator.userAgent}`,
    `time: ${new Date().toISOString()}`,
  ].join("\n");
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without https, or without leave: the old way needs neither.
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "mb-unseen";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

/**
 * The buttons of a failure: `{label, act}`, where `act` may return a new label. A page that embeds
 * the display has its own address, which is not ours to change.
 */
export function actionsOf(failure, { query, ownsPage }) {
  const hasSource = new URLSearchParams(query).has("source");
  const known = {
    reload: { label: "Reload", act: () => location.reload() },
    // The server leads whoever opens the page to where that is done, and back.
    signIn: ownsPage && { label: "Sign in", act: () => location.reload() },
    ownEvents: ownsPage && {
      label: hasSource ? "Use this page's own events" : "Go on without settings",
      act: () => open(failure.tls ? withSource(query, null) : ""),
    },
    useTls: ownsPage && { label: "Try wss://", act: () => open(withSource(query, failure.tls)) },
    copy: {
      label: "Copy details",
      act: async () => ((await copy(details(failure, query))) ? "Copied" : "Copying is not allowed"),
    },
  };
  return failure.actions.map((name) => known[name]).filter(Boolean);
}
