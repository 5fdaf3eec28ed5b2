// Waiting for conditions, never for fixed times.

import { setTimeout as pause } from "node:timers/promises";

/** Time limit, far above what a machine without a GPU needs, which draws a few pictures per second. */
export const PATIENCE_MS = 60_000;

/** Most characters shown of the state that was found instead. */
const MOST_SAID = 4000;

/**
 * Calls `question` until its result is truthy, and resolves with that. `what` describes the condition
 * in an error; `seen`, if given, returns the state to show instead.
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
