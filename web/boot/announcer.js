// Announcements for screen readers: news of the display in sentences, at a bounded rate.

import { cut, durationWords, sentence } from "./words.js";

const MOST_NAMED = 2;
const TITLE_CHARACTERS = 60;
const MESSAGE_CHARACTERS = 160;

const name = (run) => cut(run.title, TITLE_CHARACTERS) || "A run";

const KINDS = [
  {
    kind: "failed",
    one: (run) => {
      const at = run.node ? ` at ${run.node}` : "";
      const why = run.message ? `: ${cut(run.message, MESSAGE_CHARACTERS)}` : "";
      return `${name(run)} failed${at}${why}`;
    },
    many: "runs failed",
    named: MOST_NAMED,
  },
  {
    kind: "completed",
    one: (run) => {
      const took = durationWords(run.duration_ms);
      return `${name(run)} finished${took ? `, took ${took}` : ""}`;
    },
    many: "runs finished",
    named: 1,
  },
  { kind: "cancelled", one: (run) => `${name(run)} cancelled`, many: "runs cancelled", named: 1 },
  { kind: "started", one: (run) => `${name(run)} started`, many: "runs started", named: 1 },
];

/**
 * Returns one text for several news items. `news` is a list of `{kind, run}` with the kinds above, and
 * `{kind: "words", words}`, of which the last one describes the current state.
 */
export function summarise(news) {
  const sentences = [];
  const words = news.filter((item) => item.kind === "words").at(-1);
  if (words) sentences.push(words.words);
  for (const { kind, one, many, named } of KINDS) {
    const runs = news.filter((item) => item.kind === kind).map((item) => item.run);
    if (runs.length > named) {
      // A failure is worth naming even in a burst.
      const last = kind === "failed" ? `; the last: ${one(runs.at(-1))}` : "";
      sentences.push(`${runs.length} ${many}${last}`);
    } else {
      sentences.push(...runs.map(one));
    }
  }
  return sentences.map(sentence).join(" ");
}

/** Announces news at most every `everyMs`; news in between are summarised in one text. */
export class Announcer {
  #say;
  #everyMs;
  #gatherMs;
  #clock;
  #news = [];
  #timer = null;
  #saidAt = -Infinity;

  /** `say(text)` announces a text. `clock` has `now()` in milliseconds and `after(ms, what)`. */
  constructor(say, { everyMs = 5000, gatherMs = 400, clock = browserClock } = {}) {
    this.#say = say;
    this.#everyMs = everyMs;
    this.#gatherMs = gatherMs;
    this.#clock = clock;
  }

  tell(item) {
    this.#news.push(item);
    if (this.#timer !== null) return;
    const wait = Math.max(this.#gatherMs, this.#saidAt + this.#everyMs - this.#clock.now());
    this.#timer = this.#clock.after(wait, () => {
      this.#timer = null;
      this.#saidAt = this.#clock.now();
      this.#say(summarise(this.#news.splice(0)));
    });
  }
}

const browserClock = {
  now: () => performance.now(),
  after: (ms, what) => setTimeout(what, ms),
};
