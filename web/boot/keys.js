// Keys and the wheel act on the display while it has the focus, not on the page's scroll bar or the
// browser's search. All other keys remain the browser's: F5, Ctrl+L, Tab, paste.

const OWN = new Set([
  " ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "/", "'", "?", "F11",
]);
// With Ctrl the arrows go to the event before and to the next one, and K opens the palette.
const WITH_CTRL = new Set(["ArrowLeft", "ArrowRight", "k", "K"]);

/** True when the display, not the browser, acts on a key. */
export function isOwnKey({ key, ctrlKey, altKey, metaKey }) {
  return (ctrlKey ? WITH_CTRL : OWN).has(key) && !altKey && !metaKey;
}

/** Keeps the browser from acting on keys of the display. */
export function claimKeys(canvas) {
  canvas.addEventListener("keydown", (event) => {
    if (isOwnKey(event)) event.preventDefault();
  });
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement === canvas && !event.ctrlKey) event.preventDefault();
    },
    { passive: false },
  );
}
