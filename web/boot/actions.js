// Actions of the buttons on a message card.

import { site } from "./site.js";
import { withSource } from "./sources.js";

function open(query) {
  location.assign(`${location.pathname}${query}`);
}

/** Text for a failure report. Values of the query may be secrets, so it contains only their names. */
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
    // Without https or the permission, use the older way to copy, which needs neither.
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
 * Returns the buttons of a failure: `{label, act}`, where `act` may return a new label. A page that
 * embeds the display has its own address, which must not be changed.
 */
export function actionsOf(failure, { query, ownsPage }) {
  const hasSource = new URLSearchParams(query).has("source");
  const known = {
    reload: { label: "Reload", act: () => location.reload() },
    // The server redirects the reloaded page to its login and back.
    signIn: ownsPage && { label: "Sign in", act: () => location.reload() },
    ownEvents: ownsPage && {
      label: hasSource ? "Use this page's own events" : "Continue without settings",
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
