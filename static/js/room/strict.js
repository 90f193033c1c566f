// @ts-check
// Strict rehearsal: leaving the window is counted, with its length, and told to the candidate alone.
// A page that is out of sight counts at once; a window that only lost the keyboard counts after two
// seconds. What was under way when the page went is kept, so closing it is no way around.

import { announce, notice } from "./announce.js";
import { serverNow } from "./clock.js";
import { exam, record } from "./state.js";

const A_GLANCE = 2_000; // the window was not in front
const A_RELOAD = 5_000; // the page was not there at all

const key = () => `touchstone.left:${exam.attempt}`;

/** @type {{at: number, out: boolean} | null} */
let left = null;
let over = false; // whoever goes on to the report, or home, leaves nothing

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const some = (/** @type {number} */ n, /** @type {string} */ unit) =>
    n ? [`${n} ${unit}${n === 1 ? "" : "s"}`] : [];
  return [...some(minutes, "minute"), ...some(seconds % 60, "second")].join(" ");
}

/** @param {boolean} out of sight, not merely behind another window */
function leave(out) {
  if (over) return;
  left = { at: left?.at ?? serverNow(), out: out || (left?.out ?? false) };
  try {
    localStorage.setItem(key(), String(left.at));
  } catch {
    // Refused: a page that is closed while away then goes uncounted.
  }
}

function back() {
  if (document.hidden || !document.hasFocus() || !left) return;
  const away = serverNow() - left.at;
  if (left.out || away >= A_GLANCE) count(away);
  left = null;
  forget();
}

function forget() {
  try {
    localStorage.removeItem(key());
  } catch {
    // Refused: nothing was kept.
  }
}

/** @param {number} away milliseconds */
function count(away) {
  void record({ kind: "departure", away_ms: Math.round(away) });
  const text =
    `You left the window for ${duration(away)}. ` +
    "In strict mode this is counted and shown to you alone, at the end.";
  notice(text);
  announce(text);
}

/** The page was closed, or went elsewhere, and is open again. */
function countAbsence() {
  let at = 0;
  try {
    at = Number(localStorage.getItem(key()));
  } catch {
    // Refused: nothing was kept.
  }
  if (at && serverNow() - at >= A_RELOAD) count(serverNow() - at);
  forget();
}

export function startStrict() {
  if (!exam.strict) return;
  countAbsence();
  document.addEventListener("visibilitychange", () => (document.hidden ? leave(true) : back()));
  window.addEventListener("blur", () => leave(false));
  window.addEventListener("focus", back);
  window.addEventListener("pagehide", () => leave(true));
  window.addEventListener("pageshow", back);
  document.addEventListener("room:over", () => {
    over = true;
    left = null;
    forget();
  });
  document.addEventListener("room:on", () => {
    over = false;
  });
}
