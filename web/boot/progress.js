// Progress of the download, in numbers and words.

export const SEGMENTS = 48;

/** Returns the received fraction, 0 to 1; null where the total is unknown. */
export function fractionOf(received, total) {
  return total > 0 ? Math.min(received / total, 1) : null;
}

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/**
 * Returns the loader's content: `what` and `percent` in words, `now` for a progress bar (null:
 * unknown), and the number `lit` of `SEGMENTS` segments.
 *
 * The total may be wrong, as when the server has a newer file than the page was built for; the progress
 * never exceeds the total.
 */
export function progressView(received, total) {
  const fraction = fractionOf(received, total);
  if (fraction === null) {
    return { what: `Display, ${megabytes(received)} MB`, percent: "", now: null, lit: 0 };
  }
  // Rounded down: 100 % means complete.
  const now = Math.floor(fraction * 100);
  return {
    what: `Display, ${megabytes(Math.min(received, total))} of ${megabytes(total)} MB`,
    percent: `${now}\u00a0%`,
    now,
    lit: Math.floor(fraction * SEGMENTS),
  };
}
