// @ts-check
// The room's service worker, for everything below /attempts/. A classic script, served from there
// (attempts/views/worker.py). What it does, and all it does:
//
//   pages of a room     from the server; if that takes 4 seconds, fails or answers 5xx, the page of
//                       that attempt that was kept last: its script then shows what was asked for
//   static files        those with a hash in their name from the cache, the others from the server
//                       first; either way they are there without a network
//   the way to a report leads past `over/` while this browser still holds answers of that attempt,
//                       for opening the report ends the time in which they can count
//   an attempt's report once it is there with nothing held, nothing of the attempt stays here
//
// Answers are not its business: they are kept and delivered by the page (js/room/).

"use strict";

const CACHE = "touchstone-room-1"; // a new number drops what older workers kept
const PATIENCE = 4_000;
const ROOM = /^(\/attempts\/[0-9a-f-]{36}\/)(?:items\/\d+\/|questions\/|review\/|over\/)?$/;
const REPORT = /^(\/attempts\/([0-9a-f-]{36})\/)report\/$/;
const HASHED = /\.[0-9a-f]{12}\.\w+$/;
const STORES = ["exams", "items", "forms", "ops", "outcomes"]; // as js/room/store.js makes them

const worker = /** @type {any} */ (self);

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("activate", (/** @type {any} */ event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
      .then(() => worker.clients.claim()),
  );
});

/** @param {string} name */
function isOld(name) {
  return name.startsWith("touchstone-room-") && name !== CACHE;
}

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    const report = REPORT.exec(url.pathname);
    if (report) event.respondWith(toReport(event, report[1], report[2], url));
    else if (ROOM.test(url.pathname)) event.respondWith(toRoom(event, url));
  } else if (["script", "style", "font", "image"].includes(request.destination)) {
    event.respondWith(file(request, url));
  }
});

/** What a page is made of, so that the first one is kept too: it came before this worker ran. */
worker.addEventListener("message", (/** @type {any} */ event) => {
  const { keep, forget: over } = event.data;
  if (keep) event.waitUntil(keepPage(keep));
  if (over) event.waitUntil(caches.open(CACHE).then((cache) => cache.delete(over)));
});

/** @param {{shell: string, page: string, files: string[]}} what */
async function keepPage({ shell, page, files }) {
  const cache = await caches.open(CACHE);
  for (const path of files) {
    if (!(await cache.match(path))) await cache.add(path).catch(() => {}); // the next page asks again
  }
  if (await cache.match(shell)) return;
  const response = await fetch(page);
  if (isRoomPage(response)) await cache.put(shell, response);
}

/** @param {Response} response */
function isRoomPage(response) {
  return response.ok && !response.redirected && response.type === "basic";
}

// --- Pages -------------------------------------------------------------------------------------

/** @param {any} event @param {URL} url */
async function toRoom(event, url) {
  const shell = ROOM.exec(url.pathname)?.[1] ?? url.pathname;
  const cache = await caches.open(CACHE);
  const asked = fetch(event.request).then((response) => {
    // The address without a page only leads on, and `over/` is no page to go on from.
    const isPage = url.pathname !== shell && !url.pathname.endsWith("/over/");
    if (isPage && isRoomPage(response)) event.waitUntil(cache.put(shell, response.clone()));
    return response;
  });
  event.waitUntil(asked.catch(() => {})); // a late answer is kept, though nobody waits for it
  const kept = await cache.match(shell);
  if (!kept) return asked;
  const impatient = new Promise((resolve) => setTimeout(() => resolve(null), PATIENCE));
  const response = await Promise.race([asked, impatient]).catch(() => null);
  return response && response.status < 500 ? response : standIn(kept);
}

/** A kept page says that it is one: it is not looked at before its script shows what was asked for.
 * @param {Response} kept */
async function standIn(kept) {
  const headers = new Headers(kept.headers);
  for (const name of ["Content-Encoding", "Content-Length"]) headers.delete(name);
  const html = await kept.text();
  return new Response(html.replace('id="room"', 'id="room" data-kept'), { headers });
}

/** @param {any} event @param {string} base @param {string} attempt @param {URL} url */
async function toReport(event, base, attempt, url) {
  // "anyway": the person was told on `over/`, and goes on.
  if (!url.searchParams.has("anyway") && (await holds(attempt))) {
    return Response.redirect(`${base}over/`);
  }
  const response = await fetch(event.request);
  if (response.ok && !(await holds(attempt))) event.waitUntil(forget(base, attempt));
  return response;
}

/** @param {Request} request @param {URL} url */
async function file(request, url) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request.url);
  if (kept && HASHED.test(url.pathname)) return kept;
  try {
    const response = await fetch(request);
    if (response.ok && response.type === "basic") await cache.put(request.url, response.clone());
    return response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

// --- What the page keeps -------------------------------------------------------------------------

/** The page's database; null where there is none yet, for making it is the page's work. */
function database() {
  return new Promise((resolve) => {
    const request = indexedDB.open("touchstone-room");
    request.onupgradeneeded = () => request.transaction?.abort();
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => resolve(null);
  });
}

/** @param {string} attempt @returns {Promise<boolean>} */
async function holds(attempt) {
  const db = await database();
  if (!db) return false;
  return new Promise((resolve) => {
    const request = db.transaction("ops").objectStore("ops").index("attempt").count(attempt);
    request.onsuccess = () => resolve(request.result > 0);
    request.onerror = () => resolve(false);
  }).finally(() => db.close());
}

/** @param {string} base @param {string} attempt */
async function forget(base, attempt) {
  await (await caches.open(CACHE)).delete(base);
  const db = await database();
  if (!db) return;
  const transaction = db.transaction(STORES, "readwrite");
  transaction.objectStore("exams").delete(attempt);
  transaction.objectStore("forms").delete(attempt);
  for (const name of ["items", "ops", "outcomes"]) {
    const cursor = transaction.objectStore(name).index("attempt").openCursor(attempt);
    cursor.onsuccess = () => {
      cursor.result?.delete();
      cursor.result?.continue();
    };
  }
  await new Promise((resolve) => {
    transaction.oncomplete = resolve;
    transaction.onabort = resolve; // the next report tries again
  });
  db.close();
}
