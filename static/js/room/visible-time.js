// @ts-check
// How long the question stood on a visible page. Each submit carries what has gathered since the
// last one; leaving the page sends the rest. The server never believes more than has passed.

let gathered = 0;
/** @type {number | null} */
let since = null;

function stop() {
  if (since !== null) gathered += performance.now() - since;
  since = null;
}

function go() {
  if (since === null && !document.hidden) since = performance.now();
}

function take() {
  stop();
  const milliseconds = Math.round(gathered);
  gathered = 0;
  go();
  return milliseconds;
}

function sendRest() {
  const url = document.getElementById("room")?.dataset.timeUrl;
  const token = /** @type {HTMLInputElement | null} */ (
    document.querySelector("#answer input[name=csrfmiddlewaretoken]")
  );
  if (!url || !token) return;
  const data = new FormData();
  data.set("csrfmiddlewaretoken", token.value);
  data.set("visible_ms", String(take()));
  navigator.sendBeacon(url, data);
}

export function startVisibleTime() {
  go();
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : go()));
  document.addEventListener("htmx:configRequest", (event) => {
    const detail = /** @type {CustomEvent} */ (event).detail;
    if (detail.formData?.has("visible_ms")) detail.formData.set("visible_ms", String(take()));
  });
  window.addEventListener("pagehide", sendRest);
}
