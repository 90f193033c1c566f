// @ts-check
// The exam room's script. Everything works without it; it adds the running clock, the warnings,
// the keyboard, the time a question was visible, and words for a save that did not get through.

import { startClock } from "./clock.js";
import { startKeys } from "./keys.js";
import { startSaving } from "./saving.js";
import { startScenarios } from "./scenario.js";
import { startVisibleTime } from "./visible-time.js";

startClock();
startKeys();
startSaving();
startScenarios();
startVisibleTime();

document.addEventListener("htmx:afterSettle", (event) => {
  const swapped = /** @type {HTMLElement} */ (event.target);
  const room = document.getElementById("room");
  if (!room || swapped !== room) return;
  document.title = room.dataset.title ?? document.title;
  // A screen reader starts at the new question, and the skip link's target keeps the focus order.
  document.getElementById("main")?.focus({ preventScroll: true });
});

// Ending asks once; a second press of the same button must not send it again.
document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (!("once" in form.dataset)) return;
  if (form.dataset.once === "sent") event.preventDefault();
  form.dataset.once = "sent";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-once]")) {
    /** @type {HTMLFormElement} */ (form).dataset.once = "";
  }
});
