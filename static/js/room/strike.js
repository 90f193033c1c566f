// @ts-check
// Options struck out: by their own small button, the right mouse button, or Shift and the letter.
// As in the test centre a stroke is a note and never touches the answer: the chosen option may be
// struck and stays chosen. Choosing a struck option is a change of mind and takes the stroke away.

import { announce } from "./announce.js";
import { exam, itemAt, record } from "./state.js";

const LETTERS = "ABCD";

const sheet = () => /** @type {HTMLElement | null} */ (document.getElementById("sheet"));
const position = () => Number(sheet()?.dataset.position);

function options() {
  const labels = sheet()?.querySelectorAll("label.option") ?? [];
  return [...labels].flatMap((label, index) => {
    const input = label.querySelector("input[name=choice]");
    if (!(input instanceof HTMLInputElement)) return [];
    return [{ label, input, choice: Number(input.value), letter: LETTERS[index] }];
  });
}

/** @param {Element} label @param {string} letter */
function button(label, letter) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "strike";
  made.setAttribute("aria-label", `Strike out ${letter}`);
  made.title = `Strike out ${letter} (right click, or Shift+${letter})`;
  const sign = document.createElement("span");
  sign.setAttribute("aria-hidden", "true");
  sign.textContent = letter;
  made.append(sign);
  // Beside the label, not in it: what is in a label is part of the option's name. The label itself
  // stays where it is, for it may just be pressed.
  label.after(made);
  return made;
}

function draw() {
  if (!sheet()) return;
  const struck = itemAt(position()).struck;
  for (const { label, choice, letter } of options()) {
    const is = struck.includes(choice);
    const own = label.closest(".option-row")?.querySelector(".strike") ?? button(label, letter);
    own.setAttribute("aria-pressed", String(is));
    label.classList.toggle("is-struck", is);
    const said = label.querySelector(".struck-word");
    if (!is) said?.remove();
    else if (!said) {
      const word = document.createElement("span");
      word.className = "struck-word visually-hidden";
      word.textContent = " (struck out)";
      label.querySelector(".option-text")?.append(word);
    }
  }
}

/** @param {number} choice @param {boolean} on */
function strike(choice, on) {
  if (exam.timeUp) return;
  const { struck, highlights } = itemAt(position());
  const others = struck.filter((other) => other !== choice);
  const now = on ? [...others, choice] : others;
  void record({ kind: "marks", position: position(), struck: now, highlights });
}

/** @param {number} index of the option, from its letter @param {boolean} [aloud] */
export function flipStrike(index, aloud = true) {
  const option = options()[index];
  if (!option || option.input.disabled) return;
  const on = !itemAt(position()).struck.includes(option.choice);
  strike(option.choice, on);
  if (aloud) announce(`${option.letter} ${on ? "struck out" : "no longer struck out"}`);
}

/** @param {Event} event */
function indexOf(event) {
  const row = event.target instanceof Element ? event.target.closest(".option-row") : null;
  return options().findIndex(({ label }) => label.parentElement === row);
}

/** @param {MouseEvent} event */
function onContextMenu(event) {
  // The menu key and a long press keep the browser's menu, and so does Shift with the mouse.
  const byTouch = /** @type {PointerEvent} */ (event).pointerType === "touch";
  const byMouse = event.button === 2 || event.ctrlKey;
  const index = indexOf(event);
  if (index < 0 || byTouch || !byMouse || event.shiftKey) return;
  event.preventDefault();
  flipStrike(index);
}

export function startStrike() {
  document.addEventListener("room:shown", draw);
  document.addEventListener("room:item", (event) => {
    const { detail } = /** @type {CustomEvent<{position: number}>} */ (event);
    if (detail.position === position()) draw();
  });
  document.addEventListener("contextmenu", onContextMenu);
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    // The button itself says whether it is pressed.
    if (target?.closest(".strike")) flipStrike(indexOf(event), false);
  });
  document.addEventListener("change", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || input.name !== "choice" || !sheet()) return;
    const choice = Number(input.value);
    if (itemAt(position()).struck.includes(choice)) strike(choice, false);
  });
  draw();
}
