// @ts-check
// How long each question stood on a visible page. It goes along with the op that says a question was
// seen; the server never believes more than has passed.

import { deliver } from "./queue.js";
import { held, record } from "./state.js";

let position = 0;
let gathered = 0;
/** @type {number | null} */
let since = null;

function stop() {
  if (since !== null) gathered += performance.now() - since;
  since = null;
}

function go() {
  if (since === null && !document.hidden && position) since = performance.now();
}

/** What has gathered, into the queue. */
function put() {
  stop();
  const milliseconds = Math.round(gathered);
  gathered = 0;
  if (position && milliseconds > 0) {
    void record({ kind: "seen", position, visible_ms: milliseconds });
  }
}

/** @param {Event} event */
function onShown(event) {
  const { view, position: shown } = /** @type {CustomEvent} */ (event).detail;
  const next = view === "question" ? shown : 0;
  if (next === position) return;
  put();
  position = next;
  if (position) void record({ kind: "seen", position, visible_ms: 0 });
  go();
}

function onHidden() {
  if (!document.hidden) {
    go();
    return;
  }
  leave();
}

/** The page may never come back; what waits for company goes now. */
function leave() {
  put();
  if (held().length) void deliver({ last: true });
}

export function startVisibleTime() {
  document.addEventListener("room:shown", onShown);
  document.addEventListener("visibilitychange", onHidden);
  window.addEventListener("pagehide", leave);
  document.addEventListener("room:over", () => {
    put();
    position = 0;
  });
}
