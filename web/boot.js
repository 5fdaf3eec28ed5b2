// The page's way in: puts the display on the canvas that asks for it, and is what another page
// imports to put it on one of its own. See README.md.

import { mount } from "./boot/mount.js";

export { mount };

const canvas = document.querySelector("canvas[data-meterbridge]");
if (canvas) {
  // The value, where there is one, takes the place of the page's own query.
  const query = canvas.dataset.meterbridge;
  window.meterbridge = mount(canvas, {
    query: query || location.search,
    ownsPage: !query,
    storage: true,
    title: true,
    live: document.getElementById("meterbridge-live"),
  });
}
