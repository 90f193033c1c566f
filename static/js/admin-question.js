// Comfort on the authoring form. Without this script the form does all the same.
//
// - the stem's words are counted while it is written
// - the key needs no misjudgement, so its field steps aside
// - questions that give this one away are picked from suggestions
// - a second look at the text follows each pause
// - a second click on save does not send twice, and leaving with unsaved text asks first

import { pickQuestions } from "./admin-picker.js";
import { lookAgain } from "./admin-second-look.js";

const form = document.getElementById("question-form");

/** @param {string} text */
function words(text) {
  return text.split(/\s+/).filter(Boolean).length;
}

/** @param {HTMLElement} line */
function count(line) {
  const field = document.getElementById(line.dataset.counts ?? "");
  if (!(field instanceof HTMLTextAreaElement)) return;
  const low = Number(line.dataset.low);
  const high = Number(line.dataset.high);
  const show = () => {
    const number = words(field.value);
    const outside = number > 0 && (number < low || number > high);
    line.hidden = number === 0;
    line.classList.toggle("is-outside", outside);
    line.textContent =
      `${number} word${number === 1 ? "" : "s"}` +
      (outside ? `; a stem usually has ${low} to ${high}` : "");
  };
  field.addEventListener("input", show);
  show();
}

/** @param {HTMLFormElement} sheet */
function stepAside(sheet) {
  const show = () => {
    for (const option of sheet.querySelectorAll("[data-option]")) {
      const radio = option.querySelector('input[type="radio"]');
      const field = option.querySelector("[data-misjudgement]");
      if (radio instanceof HTMLInputElement && field instanceof HTMLElement) {
        field.hidden = radio.checked;
      }
    }
  };
  sheet.addEventListener("change", show);
  show();
}

/** @param {HTMLFormElement} sheet */
function guard(sheet) {
  let changed = false;
  let sending = false;
  sheet.addEventListener("input", () => {
    changed = true;
  });
  sheet.addEventListener("submit", (event) => {
    if (sending) event.preventDefault();
    sending = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (changed && !sending) event.preventDefault();
  });
  // Back from the next page: the browser may show this one as it was left.
  window.addEventListener("pageshow", () => {
    sending = false;
  });
}

if (form instanceof HTMLFormElement) {
  for (const line of form.querySelectorAll("[data-counts]")) {
    if (line instanceof HTMLElement) count(line);
  }
  stepAside(form);
  guard(form);
  const look = document.getElementById("look");
  if (look && form.dataset.quality) lookAgain(form, look, form.dataset.quality);
  const enemies = document.getElementById("id_enemies");
  if (enemies instanceof HTMLInputElement && form.dataset.suggest) {
    pickQuestions(enemies, form.dataset.suggest);
  }
}
