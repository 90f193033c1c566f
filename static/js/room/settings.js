// @ts-check
// How a person likes the room: counter, clock, pace line, break reminder, single keys. The browser
// keeps it for every exam taken with it; where storage is refused it holds for this page.

import { remaining, toggleClock } from "./clock.js";

/**
 * @typedef {object} Preferences
 * @property {boolean} counter
 * @property {boolean} clock
 * @property {boolean} pace
 * @property {number} breaks minutes from one reminder to the next; 0 is none
 * @property {boolean} keys
 */

const KEY = "touchstone.room";
const CLOCK_STAYS = 5 * 60_000; // below this the clock is shown whatever was preferred

/** @type {Preferences} */
const preferences = { counter: true, clock: true, pace: false, breaks: 0, keys: true };

/** @param {string | null} text */
function read(text) {
  if (!text) return;
  /** @type {Partial<Preferences>} */
  let kept;
  try {
    kept = JSON.parse(text) ?? {};
  } catch {
    return; // Not ours, or half written: the usual room is a good room.
  }
  for (const name of /** @type {const} */ (["counter", "clock", "pace", "keys"])) {
    if (typeof kept[name] === "boolean") preferences[name] = kept[name];
  }
  if ([0, 45, 60, 90].includes(Number(kept.breaks))) preferences.breaks = Number(kept.breaks);
}

/**
 * @template {keyof Preferences} Name
 * @param {Name} name
 * @returns {Preferences[Name]}
 */
export function preference(name) {
  return preferences[name];
}

/**
 * @template {keyof Preferences} Name
 * @param {Name} name
 * @param {Preferences[Name]} value
 */
export function prefer(name, value) {
  preferences[name] = value;
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // Refused: it holds for this page, which is all such a browser allows.
  }
  apply();
}

const dialog = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("settings"));
const clockHidden = () => document.getElementById("clock")?.classList.contains("is-hidden") ?? false;

/** The page and the dialog say what is preferred; whoever else cares hears `room:preferences`. */
function apply() {
  document.getElementById("room")?.classList.toggle("is-counter-hidden", !preferences.counter);
  for (const field of dialog()?.querySelectorAll("[data-preference]") ?? []) {
    const name = /** @type {keyof Preferences} */ (field.getAttribute("data-preference"));
    if (field instanceof HTMLInputElement) {
      // The clock has a button of its own and comes back by itself: its state is the page's.
      field.checked = name === "clock" ? !clockHidden() : Boolean(preferences[name]);
    }
    if (field instanceof HTMLSelectElement) field.value = String(preferences[name]);
  }
  document.dispatchEvent(new CustomEvent("room:preferences"));
}

/** Hide or show the clock, from now on. */
export function flipClock() {
  if (!document.getElementById("clock")) return; // the tutorial has none
  toggleClock();
  prefer("clock", !clockHidden());
}

export function openSettings() {
  apply();
  dialog()?.showModal();
}

/** @param {Event} event */
function onChange(event) {
  const field = event.target;
  if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) return;
  const name = /** @type {keyof Preferences | undefined} */ (field.dataset.preference);
  if (!name) return;
  if (name === "breaks") prefer(name, Number(field.value));
  else if (field instanceof HTMLInputElement) {
    if (name === "clock" && field.checked === clockHidden()) toggleClock();
    prefer(name, field.checked);
  }
}

export function startSettings() {
  try {
    read(localStorage.getItem(KEY));
  } catch {
    // Refused: the usual room.
  }
  if (!preferences.clock && !clockHidden() && remaining() > CLOCK_STAYS) toggleClock();
  apply();
  document.addEventListener("change", onChange);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    // The clock's module has flipped it already, whichever of us listened first.
    if (target?.closest("[data-clock-toggle]")) setTimeout(() => prefer("clock", !clockHidden()));
  });
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    read(event.newValue);
    apply();
  });
}
