// @ts-check
// 30, 10, 5 and 1 minutes before the end: a line on the page, said once to a screen reader. The clock
// itself never speaks. Time that is added puts the warnings ahead of it back in force. An exam that
// begins with 30 minutes, or with fewer, does not begin with a warning of them.

import { announce, notice } from "./announce.js";
import { exam } from "./state.js";
import { claim, forgetOthers, release } from "./told.js";

const MINUTE = 60_000;
const THRESHOLDS = [30, 10, 5, 1];

/** @param {number} minutes */
function words(minutes) {
  return minutes === 1
    ? "1 minute left. Whatever you have chosen by then counts."
    : `${minutes} minutes left.`;
}

/** @param {number} remaining milliseconds */
function look(remaining) {
  for (const minutes of THRESHOLDS) {
    if (remaining > minutes * MINUTE) release(exam.attempt, `${minutes}`);
  }
  // Only the one just passed, and only to somebody who is looking: opened or woken long after, the
  // clock says it.
  const due = THRESHOLDS.find((m) => remaining <= m * MINUTE && remaining > (m - 1) * MINUTE);
  if (!due || exam.deadline - exam.started <= due * MINUTE) return;
  if (document.hidden || !claim(exam.attempt, `${due}`)) return;
  notice(words(due));
  announce(words(due));
}

export function startWarnings() {
  forgetOthers(exam.attempt);
  document.addEventListener("room:tick", (event) => {
    look(/** @type {CustomEvent<{remaining: number}>} */ (event).detail.remaining);
  });
}
