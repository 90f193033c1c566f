// @ts-check
// The clock is computed, never counted: server time at the last reply plus what performance.now()
// says has passed since. A throttled tab or a slept laptop asks the server again on waking.

const WARNINGS = [30, 10, 5, 1]; // minutes
const HIDDEN = "touchstone.clock-hidden";
const BACK_ON_AT = 5 * 60_000;
const RESYNC_EVERY = 60_000;

let serverNow = 0;
let readAt = 0;
let deadline = 0;
/** Minutes already warned of; those passed before this page was opened count as warned. */
/** @type {Set<number>} */
const warned = new Set();
let ending = false;
let broughtBack = false;

const room = () => document.getElementById("room");
const left = () => deadline - (serverNow + (performance.now() - readAt));

/** @param {number} now @param {number} until */
function set(now, until) {
  serverNow = now;
  readAt = performance.now();
  deadline = until;
}

function readPage() {
  const data = room()?.dataset;
  if (data?.now && data.deadline) set(Number(data.now), Number(data.deadline));
}

async function resync() {
  const url = room()?.dataset.clockUrl;
  if (!url) return;
  try {
    const response = await fetch(url, { headers: { Accept: "application/json" } });
    if (!response.ok || response.redirected) return;
    const reply = await response.json();
    set(reply.now, reply.deadline);
    if (!reply.open) leave();
  } catch {
    // No network: the last reading still holds, and the next tick asks again.
  }
}

/** @param {number} milliseconds */
function words(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function draw() {
  const clock = document.getElementById("clock");
  if (!clock) return;
  const remaining = left();
  const value = clock.querySelector(".clock-value");
  const toggle = /** @type {HTMLButtonElement | null} */ (clock.querySelector("[data-clock-toggle]"));
  if (remaining <= BACK_ON_AT && !broughtBack) {
    broughtBack = true; // once: the person may hide it again
    sessionStorage.removeItem(HIDDEN);
  }
  const hidden = sessionStorage.getItem(HIDDEN) === "yes";
  clock.classList.toggle("is-hidden", hidden);
  clock.classList.toggle("is-low", remaining <= BACK_ON_AT);
  const text = hidden ? "hidden" : words(remaining);
  if (value && value.textContent !== text) value.textContent = text;
  if (toggle) {
    toggle.hidden = false;
    const label = hidden ? "Show" : "Hide";
    if (toggle.textContent !== label) {
      toggle.textContent = label;
      toggle.setAttribute("aria-label", `${label} the clock`);
    }
  }
  warn(remaining);
  if (remaining <= 0) timeIsUp();
}

/** @param {number} remaining */
function warn(remaining) {
  const due = WARNINGS.filter((m) => remaining <= m * 60_000 && !warned.has(m));
  if (!due.length) return;
  for (const minute of due) warned.add(minute);
  const minutes = Math.min(...due);
  if (remaining < (minutes - 1) * 60_000) return; // opened or woken long after; the clock says it
  say(
    minutes === 1
      ? "1 minute left. Whatever is saved when time runs out counts."
      : `${minutes} minutes left.`,
  );
}

/** @param {string} text */
function say(text) {
  const notices = document.getElementById("notices");
  if (!notices) return;
  const notice = document.createElement("div");
  notice.className = "room-notice";
  notice.dataset.transient = "";
  const line = document.createElement("p");
  const mark = document.createElement("span");
  mark.className = "mark mark-note";
  mark.setAttribute("aria-hidden", "true");
  line.append(mark, text);
  notice.append(line);
  notices.replaceChildren(notice);
  setTimeout(() => notice.remove(), 20_000);
}

/** The server closes the attempt by itself; the page only goes and looks. */
function timeIsUp() {
  if (ending) return;
  ending = true;
  say("Time is up. What you had saved counts; the exam is being closed.");
  // The server still takes answers that were on their way, for a few seconds.
  setTimeout(() => void resync().finally(() => setTimeout(() => (ending = false), 2000)), 6000);
}

function leave() {
  const url = room()?.dataset.reportUrl;
  if (url) location.assign(url);
}

export function toggleClock() {
  const hidden = sessionStorage.getItem(HIDDEN) === "yes";
  if (hidden) sessionStorage.removeItem(HIDDEN);
  else sessionStorage.setItem(HIDDEN, "yes");
  draw();
}

export function startClock() {
  readPage();
  for (const minute of WARNINGS) if (left() < (minute - 1) * 60_000) warned.add(minute);
  document.addEventListener("htmx:afterSwap", () => {
    readPage();
    draw();
  });
  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("[data-clock-toggle]")) toggleClock();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void resync();
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) void resync();
  });
  setInterval(() => void resync(), RESYNC_EVERY);
  setInterval(draw, 250);
  draw();
}
