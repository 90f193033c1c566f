// @ts-check
// The clock is computed, never counted: the server's time at the last contact, and what has passed
// since by whichever of the browser's two clocks says more. performance.now() stands still while a
// laptop sleeps, and the wall clock can be set back; neither can give time away.
//
// It imports nothing, so that every other module of the room may.

const HIDDEN = "touchstone.clock-hidden";
const BACK_ON_AT = 5 * 60_000;
const ASTRAY = 2_000;

let serverAt = 0;
let performanceAt = 0;
let wallAt = 0;
let end = Infinity;
let zone = "UTC";
let broughtBack = false;
let hiddenHere = false;

/** The server's time, as well as this browser can tell: epoch milliseconds. */
export function serverNow() {
  const passed = Math.max(performance.now() - performanceAt, Date.now() - wallAt);
  return Math.round(serverAt + passed);
}

/** Milliseconds to the deadline; below zero once it has passed. */
export function remaining() {
  return end - serverNow();
}

export function deadline() {
  return end;
}

/** @param {number} at epoch milliseconds */
export function setDeadline(at) {
  end = at;
}

/**
 * The server has just told its time.
 * @param {number} now
 * @param {number} [ago] milliseconds since it said so
 */
export function setTime(now, ago = 0) {
  serverAt = now;
  performanceAt = performance.now() - ago;
  wallAt = Date.now() - ago;
}

/** How far the wall clock is from the server's time: what a later page may start from. */
export function wallOffset() {
  return serverNow() - Date.now();
}

/**
 * What an earlier page found out. A page kept for use without a network is older than it looks.
 * @param {number} offset of the wall clock
 */
export function assumeOffset(offset) {
  const supposed = Date.now() + offset;
  if (supposed - serverNow() > ASTRAY) setTime(supposed);
}

/** A moment of the server's, as the person's own clocks show it. @param {number} at */
export function clockTime(at) {
  const parts = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  try {
    return new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: zone }).format(at);
  } catch {
    return new Intl.DateTimeFormat("en-GB", parts).format(at); // A zone this browser has not heard of.
  }
}

/** @param {number} milliseconds */
function words(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function isHidden() {
  try {
    return sessionStorage.getItem(HIDDEN) === "yes";
  } catch {
    return hiddenHere; // Storage refused: it holds for this page.
  }
}

/** @param {boolean} hidden */
function hide(hidden) {
  hiddenHere = hidden;
  try {
    if (hidden) sessionStorage.setItem(HIDDEN, "yes");
    else sessionStorage.removeItem(HIDDEN);
  } catch {
    // As above.
  }
}

export function toggleClock() {
  hide(!isHidden());
  draw();
}

function draw() {
  const clock = document.getElementById("clock");
  if (!clock) return;
  const left = remaining();
  if (left <= BACK_ON_AT && !broughtBack) {
    broughtBack = true; // once: the person may hide it again
    hide(false);
  } else if (left > BACK_ON_AT) {
    broughtBack = false;
  }
  const hidden = isHidden();
  clock.classList.toggle("is-hidden", hidden);
  clock.classList.toggle("is-low", left <= BACK_ON_AT);
  const value = clock.querySelector(".clock-value");
  const text = hidden ? "hidden" : words(left);
  if (value && value.textContent !== text) value.textContent = text;
  const toggle = clock.querySelector("[data-clock-toggle]");
  if (!(toggle instanceof HTMLButtonElement)) return;
  toggle.hidden = false;
  const label = hidden ? "Show" : "Hide";
  if (toggle.textContent !== label) {
    toggle.textContent = label;
    toggle.setAttribute("aria-label", `${label} the clock`);
  }
}

function tick() {
  draw();
  document.dispatchEvent(new CustomEvent("room:tick", { detail: { remaining: remaining() } }));
}

export function startClock() {
  document.addEventListener("click", (event) => {
    if (event.target instanceof Element && event.target.closest("[data-clock-toggle]")) {
      toggleClock();
    }
  });
  setInterval(draw, 250);
  setInterval(tick, 1_000);
  tick();
}

/** The page was made at `data-now`; it left the server when its first byte arrived. */
function readPage() {
  const page = document.querySelector("[data-now]");
  if (!(page instanceof HTMLElement)) return;
  const [visit] = performance.getEntriesByType("navigation");
  const since = visit ? visit.toJSON().responseStart : 0;
  setTime(Number(page.dataset.now), performance.now() - since);
  setDeadline(Number(page.dataset.deadline));
  zone = page.dataset.zone ?? zone;
}

readPage();
