// Formatting of short texts.

/** Formats a duration: "0.4 s", "38 s", "3 min 20 s", "1 h 5 min". */
export function durationWords(millis) {
  if (!Number.isFinite(millis) || millis < 0) return "";
  if (millis < 950) return `${(millis / 1000).toFixed(1)} s`;
  const seconds = Math.round(millis / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  return minutes % 60
    ? `${Math.floor(minutes / 60)} h ${minutes % 60} min`
    : `${Math.floor(minutes / 60)} h`;
}

/** Returns the text on one line, cut to `most` characters. */
export function cut(text, most) {
  const line = String(text ?? "").replace(/\s+/g, " ").trim();
  const characters = [...line];
  return characters.length <= most ? line : `${characters.slice(0, most - 1).join("").trimEnd()}…`;
}

/** Adds a full stop unless the text ends a sentence. */
export function sentence(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Returns the text with an initial capital. */
export function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
