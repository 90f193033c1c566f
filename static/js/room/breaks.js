// @ts-check
// A quiet word after each 45, 60 or 90 minutes of an exam, for those who want it. As in the test
// centre, the clock goes on.

import { announce, notice } from "./announce.js";
import { serverNow } from "./clock.js";
import { preference } from "./settings.js";
import { exam } from "./state.js";
import { claim } from "./told.js";

const MINUTE = 60_000;

function look() {
  const every = preference("breaks");
  if (!every || document.hidden) return;
  const minutes = Math.floor((serverNow() - exam.started) / MINUTE);
  // Within the minute only: whoever comes back later has had the break.
  if (!(minutes > 0) || minutes % every || !claim(exam.attempt, `break-${minutes}`)) return;
  const text = `${minutes} minutes done. A good moment to look up and stretch; the clock goes on.`;
  notice(text);
  announce(text);
}

export function startBreaks() {
  document.addEventListener("room:tick", look);
}
