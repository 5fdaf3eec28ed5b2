// Skeleton and loader over the canvas, until the display is ready.

import { progressView } from "./progress.js";

/** Time after the download after which a start counts as slow. On most machines it takes a second. */
const LONG_START_MS = 15_000;

const BAR = `<div class="mb-bar" role="progressbar" aria-label="Loading Meterbridge" aria-valuemin="0"
  aria-valuemax="100" aria-valuenow="0"><div><i></i><b></b><i></i><i></i></div></div>
  <p class="mb-numbers"><span class="mb-what">Display</span><span class="mb-percent"></span></p>`;

/** Creates a loader for a page that has none. */
function makeLoader(frame) {
  const loader = document.createElement("section");
  loader.className = "mb-loader";
  loader.innerHTML = `<p class="mb-heading">Loading Meterbridge</p>${BAR}`;
  frame.append(loader);
  return loader;
}

export function attachLoader(frame, totalBytes) {
  const skeleton = frame.querySelector(":scope > .mb-skeleton");
  const loader = frame.querySelector(":scope > .mb-loader") ?? makeLoader(frame);
  const bar = loader.querySelector(".mb-bar");
  const what = loader.querySelector(".mb-what");
  const percent = loader.querySelector(".mb-percent");
  let slow;
  frame.dataset.mb = "loading";
  showClock(skeleton);

  return {
    progress(received) {
      const view = progressView(received, totalBytes);
      what.textContent = view.what;
      percent.textContent = view.percent;
      bar.style.setProperty("--lit", view.lit);
      if (view.now === null) bar.removeAttribute("aria-valuenow");
      else bar.setAttribute("aria-valuenow", view.now);
    },
    starting() {
      what.textContent = "Starting the display";
      percent.textContent = "";
      slow = setTimeout(() => {
        what.textContent = "Still starting: this takes a while without graphics acceleration";
      }, LONG_START_MS);
    },
    /** The display has drawn its first picture. */
    ready() {
      frame.dataset.mb = "ready";
      clearTimeout(slow);
      loader.remove();
      // The skeleton is kept for a later failure, when there is nothing else to show.
      const hide = () => {
        if (skeleton && frame.dataset.mb === "ready") skeleton.hidden = true;
      };
      setTimeout(hide, 300);
    },
    /** `keepPicture`: the canvas still has its last picture. */
    failed(keepPicture) {
      frame.dataset.mb = "failed";
      clearTimeout(slow);
      if (skeleton) skeleton.hidden = keepPicture;
      loader.remove();
    },
  };
}

/** Shows the time of day in the same place as every view. */
function showClock(skeleton) {
  const clock = skeleton?.querySelector(".mb-clock");
  if (!clock) return;
  const write = () => {
    const now = new Date();
    const digits = (number) => String(number).padStart(2, "0");
    clock.textContent = `${digits(now.getHours())}:${digits(now.getMinutes())}`;
  };
  write();
  const timer = setInterval(() => {
    if (skeleton.hidden) clearInterval(timer);
    else write();
  }, 1000);
}
