// @ts-check
// The sheet of notes that goes with the exam: saved while it is written, the same in every tab and on
// every device. Between a keystroke and the save that follows it, a draft lies in localStorage, which
// is written at once and so survives a page that goes without a word.

import { announce } from "./announce.js";
import { exam, notes, record } from "./state.js";

const PAUSE = 600; // milliseconds without a keystroke
const NEAR = 1_000; // characters left from which on it says so
const SAY_AT = [500, 100, 0];

const key = () => `touchstone.notes:${exam.attempt}`;

/** @param {string | null} text null: there is nothing to keep any more */
function keepDraft(text) {
  if (!exam.attempt) return; // the tutorial leaves nothing behind
  try {
    if (text === null) localStorage.removeItem(key());
    else localStorage.setItem(key(), text);
  } catch {
    // Refused: the last half second of writing may go with the page.
  }
}

function draft() {
  try {
    return localStorage.getItem(key());
  } catch {
    return null; // Refused: nothing was kept.
  }
}

export function startScratchpad() {
  const field = document.querySelector("#scratchpad textarea");
  const count = document.querySelector("#scratchpad [data-left]");
  if (!(field instanceof HTMLTextAreaElement) || !(count instanceof HTMLElement)) return;
  let timer = 0;
  let said = Infinity;

  const left = () => field.maxLength - field.value.length;

  const draw = () => {
    const near = left() <= NEAR;
    count.textContent = near ? `${left().toLocaleString("en-GB")} characters left` : "";
    const now = SAY_AT.findLast((limit) => left() <= limit) ?? Infinity;
    if (now < said) announce(`${left()} characters left on the scratchpad`);
    said = now;
  };

  const save = async () => {
    if (!timer) return;
    clearTimeout(timer);
    timer = 0;
    const text = field.value;
    if (text !== notes()) await record({ kind: "notes", text });
    if (text === field.value) keepDraft(null);
  };

  /** What is stored is shown, except over what is just being written. */
  const show = () => {
    if (timer || field.value === notes()) return;
    field.value = notes();
    draw();
  };

  const wait = () => {
    clearTimeout(timer);
    timer = window.setTimeout(save, PAUSE);
  };

  field.addEventListener("input", () => {
    keepDraft(field.value);
    wait();
    draw();
  });
  field.addEventListener("blur", save);
  const close = () => {
    void save();
    field.readOnly = exam.timeUp;
  };
  for (const name of ["room:over", "room:on"]) document.addEventListener(name, close);
  field.addEventListener("focus", show);
  document.addEventListener("visibilitychange", () => document.hidden && save());
  for (const name of ["room:form", "room:shown", "room:item", "room:delivery"]) {
    document.addEventListener(name, show); // another tab or device may have written
  }
  const unsaved = draft();
  if (unsaved === null) {
    show();
  } else {
    field.value = unsaved;
    wait();
  }
}
