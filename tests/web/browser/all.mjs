// All browser tests, one after the other and in one browser: in parallel they would compete for the
// processor, which drawing pages use fully.
//
//     node --test tests/web/browser/all.mjs
//
// Needed: web/dist (web/build.sh), the program (cargo build), the packages (npm ci in tests/web),
// and Chromium. Each file also runs by itself.

import "./connection.test.mjs";
import "./hub.test.mjs";
import "./login.test.mjs";
import "./actions.test.mjs";
import "./faults.test.mjs";
import "./opening.test.mjs";
import "./recording.test.mjs";
import "./controls.test.mjs";
import "./visits.test.mjs";
import "./words.test.mjs";
import "./cards.test.mjs";
import "./embed.test.mjs";
import "./hidden.test.mjs";
import "./pixels.test.mjs";
