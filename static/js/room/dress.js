// @ts-check
// What is shown, brought up to date with the state: words, numbers and classes of the sheet, the
// lists, the bar and the foot. Where one is, is driver.js's affair and comes as an argument.

import { remaining } from "./clock.js";
import { exam, itemAt, items } from "./state.js";

/** @typedef {import("./driver.js").View} View */

const explains = () => exam.feedback === "after_answer";

/** @param {View} view */
export function urlOf({ name, position }) {
  return exam.base + (name === "question" ? `items/${position}/` : `${name}/`);
}

/** @param {View} view */
export function titleOf({ name, position }) {
  if (name === "questions") return "All questions · Touchstone";
  if (name === "review") return "Before you end the exam · Touchstone";
  return `Question ${position} of ${exam.count} · Touchstone`;
}

/**
 * Bring everything on the page up to date with the state.
 * @param {View} here @param {boolean} whole the form is here, so that every question's state is known
 */
export function dress(here, whole) {
  if (here.name === "question") dressQuestion(here.position);
  else dressLists(here);
  dressBar(here, whole);
  dressFoot(here);
}

/** @param {number} position */
export function dressQuestion(position) {
  const { choice, revision, waiting } = itemAt(position);
  const stands = explains() && choice !== null;
  for (const input of document.querySelectorAll("#answer input[name=choice]")) {
    if (!(input instanceof HTMLInputElement)) continue;
    // In a drill a choice that has not been answered with yet is the page's own.
    if (!explains() || stands) input.checked = Number(input.value) === choice;
    input.disabled = exam.timeUp || stands;
  }
  const field = document.getElementById("revision");
  if (field instanceof HTMLInputElement) field.value = String(revision);
  document.getElementById("sheet")?.classList.toggle("is-waiting", Boolean(waiting));
}

/** @param {View} here @param {boolean} whole */
function dressBar(here, whole) {
  const question = here.name === "question";
  const counter = document.getElementById("counter");
  if (counter) {
    const number = document.createElement("b");
    number.textContent = String(question ? here.position : exam.count);
    const word = document.createElement("span");
    word.className = "wide-only";
    word.textContent = "Question ";
    counter.replaceChildren(
      ...(question ? [word, number, ` of ${exam.count}`] : [number, " questions"]),
    );
  }
  for (const tool of document.querySelectorAll(".room-tools button[form=answer]")) {
    if (tool instanceof HTMLButtonElement) tool.hidden = !question;
  }
  const flag = document.getElementById("flag");
  if (flag instanceof HTMLButtonElement && question) dressFlag(flag, itemAt(here.position).flagged);
  const progress = document.getElementById("progress");
  if (progress instanceof HTMLProgressElement && whole) {
    const answered = items().filter((item) => item.choice !== null).length;
    progress.value = answered;
    progress.textContent = `${answered} of ${exam.count}`;
  }
}

/** @param {HTMLButtonElement} flag @param {boolean} flagged */
function dressFlag(flag, flagged) {
  if (flag.value === (flagged ? "off" : "on") && flag.disabled === exam.timeUp) return;
  flag.value = flagged ? "off" : "on";
  flag.disabled = exam.timeUp;
  flag.classList.toggle("is-on", flagged);
  const [mark, words] = flag.children;
  mark.className = flagged ? "mark mark-flag" : "mark mark-flag-off";
  const more = document.createElement("span");
  more.className = "visually-hidden";
  more.textContent = flagged ? " for review. Remove the flag" : " this question for review";
  words.replaceChildren(flagged ? "Flagged" : "Flag", more);
}

/** @param {View} here */
function dressFoot(here) {
  for (const part of document.querySelectorAll("[data-foot]")) {
    if (!(part instanceof HTMLElement)) continue;
    const shown = (part.dataset.for ?? "").split(" ").includes(here.name);
    part.hidden = !shown;
    part.classList.toggle(`foot-${part.dataset.foot}`, shown);
    if (part instanceof HTMLAnchorElement && part.dataset.foot === "back") {
      part.textContent = `Back to question ${here.position}`;
      part.href = urlOf({ name: "question", position: here.position });
    }
    if (part instanceof HTMLButtonElement && part.dataset.foot === "back") {
      part.disabled = here.position === 1;
    }
    if (part instanceof HTMLButtonElement && part.dataset.foot === "next") dressNext(part, here.position);
  }
}

/** @param {HTMLButtonElement} next @param {number} position */
function dressNext(next, position) {
  const asks = explains() && itemAt(position).choice === null;
  const last = position === exam.count;
  next.value = asks ? "here" : last ? "review" : "next";
  next.textContent = asks ? "Answer" : last ? "Review and end" : "Next";
  next.disabled = asks && exam.timeUp;
  const enter = document.getElementById("enter");
  if (enter instanceof HTMLButtonElement) enter.value = asks ? "here" : "next";
}

/** Navigator, key and review: the cells and counts as they are now. @param {View} here */
function dressLists(here) {
  const all = items();
  const open = all.filter((item) => item.choice === null);
  const flagged = all.filter((item) => item.flagged);
  const counts = {
    answered: exam.count - open.length,
    unanswered: open.filter((item) => item.seen).length,
    unseen: open.filter((item) => !item.seen).length,
    flagged: flagged.length,
    open: open.length,
  };
  for (const [name, count] of Object.entries(counts)) {
    for (const place of document.querySelectorAll(`#main [data-count="${name}"]`)) {
      place.textContent = String(count);
    }
  }
  const grid = document.querySelector('#main [data-cells="all"]');
  for (const cell of grid?.querySelectorAll(".nav-cell") ?? []) {
    dressCell(/** @type {HTMLElement} */ (cell), here.position);
  }
  for (const [name, some] of /** @type {const} */ ([["open", open], ["flagged", flagged]])) {
    const section = document.querySelector(`#main [data-section="${name}"]`);
    if (!(section instanceof HTMLElement) || !grid) continue;
    section.hidden = some.length === 0;
    const cells = some.map((item) => grid.children[item.position - 1].cloneNode(true));
    section.querySelector("[data-cells]")?.replaceChildren(...cells);
  }
  put("open", openWords(open.length));
  put("end", `End the exam${open.length ? ` with ${open.length} unanswered` : ""}`);
  sayLeft();
}

/** @param {HTMLElement} cell @param {number} at the question that one goes back to */
function dressCell(cell, at) {
  const position = Number(cell.dataset.position);
  const item = itemAt(position);
  const state = item.choice !== null ? "answered" : item.seen ? "unanswered" : "unseen";
  const current = position === at;
  cell.className = `nav-cell is-${state}`;
  if (current) cell.setAttribute("aria-current", "true");
  else cell.removeAttribute("aria-current");
  const words = cell.querySelector(".visually-hidden");
  if (words) {
    words.textContent =
      `Question ${position}, ${state}` +
      (item.flagged ? ", flagged" : "") +
      (current ? ", you are here" : "");
  }
  const mark = cell.querySelector(".mark-flag");
  if (item.flagged && !mark) {
    const drawn = document.createElement("span");
    drawn.className = "mark mark-flag";
    drawn.setAttribute("aria-hidden", "true");
    cell.append(drawn);
  } else if (!item.flagged) {
    mark?.remove();
  }
}

/** @param {number} open */
function openWords(open) {
  if (!open) return `All ${exam.count} questions are answered.`;
  return (
    `${open} of ${exam.count} questions ${open === 1 ? "is" : "are"} unanswered. ` +
    "An unanswered question counts as wrong, so a considered guess costs nothing."
  );
}

/** Whole minutes, as the clock beside it shows them; attempts/room.py has the same words. */
export function sayLeft() {
  const minutes = Math.floor(remaining() / 60_000);
  const left = minutes < 1 ? "less than a minute" : `${minutes} minute${minutes === 1 ? "" : "s"}`;
  put("left", `You have ${left} left.`);
}

/** @param {string} name @param {string} words */
function put(name, words) {
  const place = document.querySelector(`#main [data-words="${name}"]`);
  if (place && place.textContent !== words) place.textContent = words;
}
