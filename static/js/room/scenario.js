// @ts-check
// Whoever closes a scenario has read it: it stays closed on the other questions of its set, where it
// would push the question off a small screen. Kept for this tab only.

const KEY = "scenario-closed:";

export function startScenarios() {
  // "toggle" does not bubble; it can be caught on its way down.
  document.addEventListener("toggle", remember, true);
  document.addEventListener("htmx:afterSettle", restore);
  restore();
}

/** @param {Event} event */
function remember(event) {
  const scenario = event.target;
  if (!(scenario instanceof HTMLDetailsElement) || !scenario.dataset.scenario) return;
  if (scenario.open) sessionStorage.removeItem(KEY + scenario.dataset.scenario);
  else sessionStorage.setItem(KEY + scenario.dataset.scenario, "1");
}

function restore() {
  for (const scenario of document.querySelectorAll("details[data-scenario]")) {
    const details = /** @type {HTMLDetailsElement} */ (scenario);
    if (sessionStorage.getItem(KEY + details.dataset.scenario)) details.open = false;
  }
}
