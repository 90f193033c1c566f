// @ts-check
// What has been said once about an attempt is not said again: not after a reload, not by another
// tab. Where storage is refused, each page says it once.

const PREFIX = "touchstone.told:";

/** @type {Set<string>} */
const here = new Set();

/** @param {string} attempt @returns {string[]} */
function kept(attempt) {
  if (!attempt) return []; // the tutorial leaves nothing behind
  try {
    return (localStorage.getItem(PREFIX + attempt) ?? "").split(" ").filter(Boolean);
  } catch {
    return []; // Refused by the browser's settings; `here` remembers for this page.
  }
}

/** @param {string} attempt @param {string[]} list */
function keep(attempt, list) {
  if (!attempt) return;
  try {
    localStorage.setItem(PREFIX + attempt, list.join(" "));
  } catch {
    // As above.
  }
}

/**
 * True for whoever asks first.
 * @param {string} attempt @param {string} what
 */
export function claim(attempt, what) {
  const list = kept(attempt);
  if (here.has(what) || list.includes(what)) return false;
  here.add(what);
  keep(attempt, [...list, what]);
  return true;
}

/**
 * It may be said again.
 * @param {string} attempt @param {string} what
 */
export function release(attempt, what) {
  const list = kept(attempt);
  here.delete(what);
  if (list.includes(what)) keep(attempt, list.filter((other) => other !== what));
}

/**
 * A person sits one attempt at a time: what was noted about others, here and in strict.js, is over.
 * @param {string} attempt
 */
export function forgetOthers(attempt) {
  if (!attempt) return;
  try {
    for (const key of Object.keys(localStorage)) {
      if (/^touchstone\.(told|left):/.test(key) && !key.endsWith(`:${attempt}`)) {
        localStorage.removeItem(key);
      }
    }
  } catch {
    // Refused: then nothing was kept either.
  }
}
