// Formatting of short texts.

/** Formats a duration as the display does: "0:38", "1:02:05", from a day on "5 d 2 h". */
export function durationWords(millis) {
  if (!Number.isFinite(millis) || millis < 0) return "";
  const seconds = Math.floor(millis / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const two = (number) => String(number).padStart(2, "0");
  if (hours === 0) return `${minutes}:${two(seconds % 60)}`;
  if (hours < 24) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
  const days = Math.floor(hours / 24);
  return hours % 24 ? `${days} d ${hours % 24} h` : `${days} d`;
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
