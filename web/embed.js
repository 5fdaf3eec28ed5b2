// Example: a page with its own layout, which lists failed runs beside the display.

import { mount } from "./boot.js";

const MOST_LISTED = 50;

const canvas = document.getElementById("wall");
const list = document.getElementById("failed");
const plug = document.getElementById("plug");
const follow = document.getElementById("follow");
const link = document.getElementById("link");
const connection = document.getElementById("connection");

const meterbridge = mount(canvas, { query: location.search });
let address = null;

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

/** Puts a failed run on top of the list; a run that failed again moves up. */
function listFailed({ run_id, title, node, message }) {
  list.querySelector(`[data-run="${CSS.escape(run_id)}"]`)?.remove();
  const item = document.createElement("li");
  item.dataset.run = run_id;
  const button = document.createElement("button");
  button.type = "button";
  button.append(
    element("strong", title || run_id),
    element("span", [node, message].filter(Boolean).join(": ")),
  );
  button.addEventListener("click", () => meterbridge.select(run_id));
  item.append(button);
  list.prepend(item);
  while (list.children.length > MOST_LISTED) list.lastElementChild.remove();
  document.getElementById("none").hidden = true;
}

function showConnection({ state, url, reason }) {
  connection.textContent = [state, reason].filter(Boolean).join(": ");
  address = url || address;
  const isOff = state === "disconnected" || state === "failed";
  plug.textContent = isOff ? "Connect again" : "Disconnect";
  plug.disabled = isOff && !address;
}

// Events before the display is ready belong to runs that `state()` reports later.
canvas.addEventListener("meterbridge:run-failed", (event) => listFailed(event.detail));
canvas.addEventListener("meterbridge:connection", (event) => showConnection(event.detail));

follow.addEventListener("click", () => meterbridge.select());
plug.addEventListener("click", () => {
  if (plug.textContent === "Disconnect") meterbridge.disconnect();
  else meterbridge.connect(address);
});
// Update the link just before it is followed: the view may have changed.
link.addEventListener("pointerdown", () => (link.href = meterbridge.link()));
link.addEventListener("focus", () => (link.href = meterbridge.link()));

try {
  await meterbridge.ready;
  for (const run of meterbridge.state().runs) {
    if (run.status !== "failed" || list.querySelector(`[data-run="${CSS.escape(run.run_id)}"]`)) continue;
    const node = run.nodes.findLast((node) => node.status === "failed");
    listFailed({
      run_id: run.run_id,
      title: run.title ?? run.song_id,
      node: node?.name,
      message: node?.error ?? run.error,
    });
  }
  follow.disabled = false;
  plug.disabled = false;
  link.hidden = false;
  link.href = meterbridge.link();
} catch (error) {
  // The display shows the error in its own place; the page around it goes on.
  connection.textContent = "the display does not run";
  console.error(error);
}
