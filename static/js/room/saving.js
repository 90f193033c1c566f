// @ts-check
// Words for the moments between a choice and its receipt, and for a save that did not get through:
// the choice stays on the page, is sent again every few seconds, and says so.

const AGAIN_AFTER = 3_000;
let failed = false;

/** @param {"is-waiting" | "is-saving"} state @param {string} text */
function show(state, text) {
  const line = document.getElementById("save-state");
  if (!line) return;
  line.className = `save-state ${state}`;
  const mark = document.createElement("span");
  mark.className = "mark mark-note";
  mark.setAttribute("aria-hidden", "true");
  line.replaceChildren(mark, text);
}

function sendAgain() {
  if (!failed) return;
  const options = document.querySelector("#answer fieldset.options");
  if (options?.querySelector("input:checked")) {
    options.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

/** @param {Event} event */
function onFailure(event) {
  const detail = /** @type {CustomEvent} */ (event).detail;
  const status = detail.xhr?.status ?? 0;
  if (status >= 400 && status < 500) {
    show("is-waiting", "This page is out of date. Load it again; what was saved is safe.");
    return;
  }
  failed = true;
  show("is-waiting", "Not saved yet: no answer from the server. Trying again.");
  setTimeout(sendAgain, AGAIN_AFTER);
}

/** A choice made before this script was there to see it is sent now. */
function sendEarlyChoice() {
  const chosen = /** @type {HTMLInputElement | null} */ (
    document.querySelector("#answer input[name=choice]:checked")
  );
  if (chosen && !chosen.defaultChecked) {
    chosen.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

export function startSaving() {
  // htmx looks at the page on DOMContentLoaded too, and registered before us.
  document.addEventListener("DOMContentLoaded", sendEarlyChoice);
  document.addEventListener("htmx:beforeRequest", (event) => {
    const element = /** @type {HTMLElement} */ (event.target);
    if (element.matches("fieldset.options") && !failed) show("is-saving", "Saving");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (/** @type {CustomEvent} */ (event).detail.successful) failed = false;
  });
  document.addEventListener("htmx:sendError", onFailure);
  document.addEventListener("htmx:responseError", onFailure);
  document.addEventListener("htmx:timeout", onFailure);
  window.addEventListener("online", sendAgain);
}
