// The display's own keys, where the browser has something else to do with them.

/** Keys that the display has and that scroll a page. */
const SCROLLING = new Set([" ", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]);

/**
 * Keeps a page from scrolling when a key is meant for the display. All other keys are left to the
 * browser, and these too where they are part of a shortcut.
 */
export function keepKeys(canvas) {
  canvas.addEventListener("keydown", (event) => {
    const shortcut = event.ctrlKey || event.altKey || event.metaKey;
    if (!shortcut && SCROLLING.has(event.key)) event.preventDefault();
  });
}
