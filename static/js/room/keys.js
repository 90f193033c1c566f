// @ts-check
// Single keys in the exam room. They can be turned off (WCAG 2.1.4), and never fire while typing.

import { toggleClock } from "./clock.js";

const OFF = "touchstone.keys-off";

const help = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("keys-help"));

/** @param {string} selector */
function press(selector) {
  const button = /** @type {HTMLButtonElement | null} */ (document.querySelector(selector));
  if (button && !button.disabled) button.click();
}

/** @param {number} index */
function choose(index) {
  const radios = document.querySelectorAll("#answer input[name=choice]");
  const radio = /** @type {HTMLInputElement | undefined} */ (radios[index]);
  if (!radio || radio.checked) return;
  radio.focus();
  radio.click();
}

/** @type {Record<string, () => void>} */
const actions = {
  a: () => choose(0),
  b: () => choose(1),
  c: () => choose(2),
  d: () => choose(3),
  n: () => press(".foot-next"),
  p: () => press(".foot-back"),
  f: () => press("button[name=flag]"),
  q: () => press("button[name=go][value=all]"),
  t: toggleClock,
  "?": () => help()?.showModal(),
};

function dress() {
  const open = /** @type {HTMLElement | null} */ (document.querySelector("[data-open-help]"));
  if (open) open.hidden = false;
  const box = /** @type {HTMLInputElement | null} */ (
    document.querySelector("[data-keys-enabled]")
  );
  if (box) box.checked = localStorage.getItem(OFF) !== "yes";
}

export function startKeys() {
  dress();
  document.addEventListener("htmx:afterSwap", dress);
  document.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("[data-open-help]")) help()?.showModal();
  });
  document.addEventListener("change", (event) => {
    const target = /** @type {HTMLInputElement} */ (event.target);
    if (!("keysEnabled" in target.dataset)) return;
    if (target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (localStorage.getItem(OFF) === "yes" || help()?.open) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest("input:not([type=radio]), textarea, select, [contenteditable]")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action();
  });
}
