// Clipboard for a page served over plain http, as in a studio's own network, where browsers provide
// none: the older way to copy still works there.

/** Gives `navigator` a writable clipboard, where it has none. */
export function ensureClipboard() {
  if (navigator.clipboard) return;
  const writeText = async (text) => {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("aria-hidden", "true");
    area.style.position = "fixed";
    area.style.opacity = "0";
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    before?.focus({ preventScroll: true });
    if (!copied) throw new Error("the browser did not copy");
  };
  const clipboard = { writeText };
  Object.defineProperty(navigator, "clipboard", { value: clipboard, configurable: true });
}
