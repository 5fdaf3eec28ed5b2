// Waiting for what has to come, never for a time.

import { setTimeout as pause } from "node:timers/promises";

/** Far above what a machine without a GPU takes, which draws a few pictures a second. */
export const PATIENCE_MS = 60_000;

/** Characters of what there was instead. */
const MOST_SAID = 4000;

/**
 * Asks `question` until its answer is true, and resolves with that. `what` says what was waited
 * for; `seen`, where it is given, what there was instead.
 */
export async function until(what, question, { patienceMs = PATIENCE_MS, seen } = {}) {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (performance.now() > deadline) {
      const instead = seen ? `; there was ${JSON.stringify(await seen(), null, 1).slice(0, MOST_SAID)}` : "";
      throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}${instead}`);
    }
    await pause(50);
  }
}
