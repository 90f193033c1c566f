// @ts-check
// Starts the service worker (js/room-worker.js) and tells it what this page is made of, so that the
// first page of an exam is there again after a reload without a network.

import { exam } from "./state.js";

export async function startWorker() {
  if (!("serviceWorker" in navigator)) return; // no "secure context": then an outage has no reload
  try {
    await navigator.serviceWorker.register("/attempts/room-worker.js", { scope: "/attempts/" });
  } catch (error) {
    console.warn("The browser refuses the service worker: no reload without a network.", error);
    return;
  }
  const { active } = await navigator.serviceWorker.ready;
  const files = performance
    .getEntriesByType("resource")
    .map((entry) => new URL(entry.name))
    .filter((url) => url.origin === location.origin && !url.pathname.startsWith("/attempts/"))
    .map((url) => url.pathname);
  active?.postMessage({ keep: { shell: exam.base, page: location.pathname, files } });
}
