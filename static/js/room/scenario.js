// @ts-check
// Whoever closes a scenario has read it: it stays closed on the other questions of its set, where it
// would push the question off a small screen. Kept for this tab only.

const KEY = "scenario-closed:";

/** Where storage is refused it holds for this page. @type {Set<string>} */
const closed = new Set();

/** @param {string} name */
function isClosed(name) {
  try {
    return sessionStorage.getItem(KEY + name) !== null;
  } catch {
    return closed.has(name);
  }
}

/** @param {Event} event */
function remember(event) {
  const scenario = event.target;
  if (!(scenario instanceof HTMLDetailsElement) || !scenario.dataset.scenario) return;
  const name = scenario.dataset.scenario;
  if (scenario.open) closed.delete(name);
  else closed.add(name);
  try {
    if (scenario.open) sessionStorage.removeItem(KEY + name);
    else sessionStorage.setItem(KEY + name, "1");
  } catch {
    // As above.
  }
}

function restore() {
  for (const scenario of document.querySelectorAll("details[data-scenario]")) {
    const details = /** @type {HTMLDetailsElement} */ (scenario);
    if (isClosed(details.dataset.scenario ?? "")) details.open = false;
  }
}

export function startScenarios() {
  // "toggle" does not bubble; it can be caught on its way down.
  document.addEventListener("toggle", remember, true);
  document.addEventListener("room:shown", restore);
  restore();
}
