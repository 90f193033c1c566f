// @ts-check
// Single keys in the exam room. They can be turned off (WCAG 2.1.4), never fire while something is
// typed or a dialog is open, and never touch a key held with Ctrl, Alt or Cmd.

import { highlight } from "./highlight.js";
import { togglePanel } from "./panels.js";
import { flipClock, openSettings, preference } from "./settings.js";
import { flipStrike } from "./strike.js";

const help = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("keys-help"));

/** @param {string} selector */
function press(selector) {
  const control = document.querySelector(selector);
  if (!(control instanceof HTMLElement) || control.matches(":disabled")) return;
  control.click();
}

/** @param {number} index */
function choose(index) {
  const radio = document.querySelectorAll("#answer input[name=choice]")[index];
  if (!(radio instanceof HTMLInputElement) || radio.checked || radio.disabled) return;
  radio.focus();
  radio.click();
}

/** @type {Record<string, () => void>} */
const actions = {
  a: () => choose(0),
  b: () => choose(1),
  c: () => choose(2),
  d: () => choose(3),
  "shift+a": () => flipStrike(0),
  "shift+b": () => flipStrike(1),
  "shift+c": () => flipStrike(2),
  "shift+d": () => flipStrike(3),
  n: () => press(".foot-next"),
  p: () => press(".foot-back"),
  f: () => press("button[name=flag]"),
  q: () => press("button[name=go][value=all]"),
  t: flipClock,
  h: highlight,
  s: () => togglePanel("scratchpad"),
  k: () => togglePanel("calculator"),
  g: openSettings,
  "?": () => help()?.showModal(),
};

/** @type {Record<string, () => void>} */
const tools = {
  highlight,
  scratchpad: () => togglePanel("scratchpad"),
  calculator: () => togglePanel("calculator"),
  settings: openSettings,
  keys: () => help()?.showModal(),
};

/** @param {KeyboardEvent} event */
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
  if (!preference("keys") || document.querySelector("dialog:modal")) return;
  const aimed = event.target instanceof Element ? event.target : document.body;
  // A dialog that was closed a moment ago may have the focus until the page is drawn again.
  const target = aimed.closest("dialog:not([open])") ? document.body : aimed;
  if (target.closest("dialog, input:not([type=radio]), textarea, select, [contenteditable]")) return;
  const key = event.key.toLowerCase(); // Caps Lock is not Shift
  const letter = key >= "a" && key <= "z";
  const action = actions[letter && event.shiftKey ? `shift+${key}` : key];
  if (!action) return;
  event.preventDefault();
  action();
}

/** @param {Event} event */
function onClick(event) {
  const button = event.target instanceof Element ? event.target.closest("button[data-tool]") : null;
  if (!(button instanceof HTMLElement)) return;
  const list = button.closest("[popover]");
  if (list instanceof HTMLElement && list.matches(":popover-open")) list.hidePopover();
  tools[button.dataset.tool ?? ""]?.();
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onClick);
}
