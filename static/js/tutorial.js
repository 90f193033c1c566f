// @ts-check
// The tutorial's list of what to try: a line is ticked once its tool was used. The room beside it is
// the real one; without an attempt its state stays in the memory of this page.

import { announce } from "./room/announce.js";
import { items, notes } from "./room/state.js";

let listed = false;
let moved = false;
/** Dialogs that were open once, by their ids. @type {Set<string>} */
const closed = new Set();

/** @type {Record<string, () => boolean>} */
const tries = {
  choose: () => items().some((item) => item.choice !== null),
  strike: () => items().some((item) => item.struck.length > 0),
  highlight: () => items().some((item) => item.highlights.length > 0),
  flag: () => items().some((item) => item.flagged),
  scratchpad: () => notes() !== "",
  calculator: () => {
    const display = document.querySelector("#calculator [data-display]");
    return display instanceof HTMLInputElement && display.value !== display.defaultValue;
  },
  move: () => moved,
  navigator: () => listed,
  settings: () => closed.has("settings"),
  keys: () => closed.has("keys-help"),
};

const list = /** @type {HTMLDetailsElement} */ (document.getElementById("tutorial"));
const steps = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("[data-step]")]);
const open = () => steps.filter((step) => !step.classList.contains("is-done"));

function look() {
  const before = open().length;
  for (const step of open()) {
    if (!tries[step.dataset.step ?? ""]?.()) continue;
    step.classList.add("is-done");
    for (const sign of step.querySelectorAll("[data-done]")) sign.removeAttribute("hidden");
  }
  if (open().length !== before) announce(say());
}

/** The line above the list, which a phone shows with the list folded away. */
function say() {
  const done = steps.length - open().length;
  const next = open()[0]?.dataset.next;
  const text = next
    ? `${done} of ${steps.length} tried. Next: ${next}.`
    : `All ${steps.length} tried. You know the room.`;
  const line = list.querySelector("[data-tried]");
  if (line) line.textContent = text;
  list.querySelector("[data-all-tried]")?.toggleAttribute("hidden", Boolean(next));
  list.querySelector("[data-not-all]")?.toggleAttribute("hidden", !next);
  return text;
}

// On a phone the list would push the question off the screen; its line says what comes next.
if (matchMedia("(max-width: 79.99rem)").matches) list.open = false;

document.addEventListener("room:shown", (event) => {
  const { view, position } = /** @type {CustomEvent<{view: string, position: number}>} */ (event)
    .detail;
  listed ||= view === "questions";
  moved ||= view === "question" && position > 1;
  look();
});
// "close" does not bubble; it can be caught on its way down.
document.addEventListener(
  "close",
  (event) => {
    if (event.target instanceof HTMLDialogElement) closed.add(event.target.id);
    look();
  },
  true,
);
for (const name of ["room:item", "room:tick"]) document.addEventListener(name, look);
say();
