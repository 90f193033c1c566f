// @ts-check
// Talking to the server: JSON both ways, with a deadline of its own, and a CSRF token that is renewed
// when it has grown old. Nothing here throws: status 0 is "no answer".

import { exam } from "./state.js";

/**
 * @typedef {object} Answered
 * @property {number} status HTTP, or 0 for no answer at all
 * @property {any} body
 * @property {number} retryAfter seconds the server asked for, or 0
 * @property {number} took milliseconds
 */

const PATIENCE = 10_000;
const FORM_PATIENCE = 60_000; // nobody waits for it, and on a slow line it takes its time
const CARRIED = 20_000; // characters that a browser surely still sends for a page that goes (64 kB)
const PASS = "/attempts/pass/";

let token =
  /** @type {HTMLInputElement | null} */ (
    document.querySelector("input[name=csrfmiddlewaretoken]")
  )?.value ?? "";

/**
 * @param {string} url @param {RequestInit} [init] @param {number} [patience] milliseconds
 * @returns {Promise<Answered & {response?: Response}>}
 */
async function ask(url, init = {}, patience = PATIENCE) {
  const begun = performance.now();
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(patience) });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    const body = isJson ? await response.json() : null;
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    return { status: response.status, body, retryAfter, took: performance.now() - begun, response };
  } catch {
    // No network, no answer in time, or half of one: all the same to whoever asked.
    return { status: 0, body: null, retryAfter: 0, took: performance.now() - begun };
  }
}

/**
 * @param {string} url @param {RequestInit} init
 * @returns {Promise<Answered & {response?: Response}>}
 */
async function post(url, init) {
  const withToken = () =>
    ask(url, { ...init, method: "POST", headers: { ...init.headers, "X-CSRFToken": token } });
  const first = await withToken();
  if (first.status !== 403) return first;
  const pass = await ask(PASS);
  if (!pass.body) return { ...pass, status: pass.status === 200 ? 0 : pass.status };
  if (!pass.body.person) return { ...pass, status: 401, body: { error: "login" } };
  if (pass.body.person !== exam.person) return { ...pass, status: 409, body: { error: "person" } };
  token = pass.body.token;
  return withToken();
}

/**
 * @param {string} attempt @param {object} body
 * @param {{last?: boolean}} [how] last: the page is going away; the browser sends it all the same
 */
export async function sync(attempt, body, { last = false } = {}) {
  const text = JSON.stringify(body);
  const answer = await post(`/attempts/${attempt}/sync/`, {
    body: text,
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    keepalive: last && text.length <= CARRIED,
  });
  const { now, deadline, replies } = answer.body ?? {};
  const ours = Number.isFinite(now) && Number.isFinite(deadline) && Array.isArray(replies);
  // Whoever answers for the server, a hotel's log-in page for one, has not taken anything.
  return answer.status === 200 && !ours ? { ...answer, status: 0, body: null } : answer;
}

export function form() {
  return ask(`${exam.base}form/`, { headers: { Accept: "application/json" } }, FORM_PATIENCE);
}

/** End the attempt. A redirect means it is done; where it leads is for the browser to load. */
export async function end() {
  const answer = await post(`${exam.base}submit/`, { redirect: "manual" });
  return answer.response?.type === "opaqueredirect" || answer.status === 200;
}

/**
 * A page of the room. @param {string} url @param {URLSearchParams} [fields] sent with POST
 * @returns {Promise<{status: number, url: string, html: string}>}
 */
export async function page(url, fields) {
  const answer = fields ? await post(url, { body: fields }) : await ask(url);
  if (!answer.response) return { status: answer.status, url, html: "" };
  try {
    const html = await answer.response.text();
    return { status: answer.status, url: answer.response.url, html };
  } catch {
    return { status: 0, url, html: "" }; // Cut off in the middle.
  }
}
