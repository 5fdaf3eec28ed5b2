// Entry of the page: puts the display on the canvas that asks for it. Other pages import `mount` to put
// it on a canvas of their own. See README.md.

import { mount } from "./boot/mount.js";

export { mount };

const canvas = document.querySelector("canvas[data-meterbridge]");
if (canvas) {
  // A value of the attribute replaces the page's own query.
  const query = canvas.dataset.meterbridge;
  window.meterbridge = mount(canvas, {
    query: query || location.search,
    ownsPage: !query,
    storage: true,
    title: true,
    live: document.getElementById("meterbridge-live"),
  });
}
