// @ts-check
// Delivery. Ops go to the server in order and once (each has a name, so a resend is known), from one
// tab of the browser at a time, and never under another person's name. A failure is tried again within
// 1, 2, 4, 8, 15, 30 seconds, and at once when the network, the page or the person comes back.

import * as api from "./api.js";
import { serverNow, setDeadline, setTime } from "./clock.js";
import * as state from "./state.js";
import * as store from "./store.js";

/** @typedef {import("./state.js").Op} Op */

const BACK_OFF = [1, 2, 4, 8, 15, 30].map((seconds) => seconds * 1_000);
const BATCH = 200; // ops; the server takes 500 and 256 kB
const SIZE = 150_000; // characters
const HEARTBEAT = 120_000;
const SOONEST = 200; // milliseconds between a failure and the next try
const LONGEST = 30_000; // whatever the server, or a box before it, asks for
const LOCK_PATIENCE = 15_000;
/**
 * How long an op may wait for company, in milliseconds: what was seen goes with the next answer, or
 * the next heartbeat.
 */
const PATIENCE = {
  answer: 0,
  flag: 0,
  departure: 0,
  marks: 2_000,
  notes: 2_000,
  seen: HEARTBEAT + 30_000,
};

const { exam } = state;
// Without one the tabs still find each other's ops in the store, whenever they deliver.
const channel =
  exam.attempt && "BroadcastChannel" in window ? new BroadcastChannel("touchstone-room") : null;

/** What is known of the way to the server; the tabs of a browser share it. */
export const delivery = {
  online: true,
  /** @type {"" | "login" | "person"} */
  blocked: "",
  login: "/accounts/login/",
};

let failures = 0;
let lastContact = performance.now();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let dueAt = Infinity;
/** @type {Promise<boolean> | null} */
let running = null;
let again = false;
let wantItems = false;

function tell() {
  document.dispatchEvent(
    new CustomEvent("room:delivery", {
      detail: {
        waiting: state.answersHeld(),
        lastSavedAt: state.lastSavedAt(),
        online: delivery.online,
        blocked: delivery.blocked,
      },
    }),
  );
}

/** @param {object} what */
function tellTabs(what) {
  channel?.postMessage({ attempt: exam.attempt, ...what });
}

/** @param {number} milliseconds from now; an earlier appointment stands */
function deliverIn(milliseconds) {
  const at = performance.now() + milliseconds;
  if (at >= dueAt) return;
  clearTimeout(timer);
  dueAt = at;
  timer = setTimeout(() => void deliver(), milliseconds);
}

/** Anywhere up to the back-off: browsers that were cut off together must not come back together. */
function pause() {
  const most = delivery.blocked ? LONGEST : BACK_OFF[Math.min(failures, BACK_OFF.length) - 1];
  return SOONEST + Math.random() * (most - SOONEST);
}

/**
 * Deliver what waits. True when nothing was left; what was done meanwhile follows by itself.
 * @param {{want?: boolean, last?: boolean}} [how] want: also hear how every question stands;
 *   last: the page may be going for good, so there is no time to ask the store or the other tabs
 * @returns {Promise<boolean>}
 */
export function deliver({ want = false, last = false } = {}) {
  wantItems ||= want;
  if (!exam.attempt) return Promise.resolve(true);
  clearTimeout(timer);
  dueAt = Infinity;
  if (running) {
    again = true;
    return running;
  }
  running = (last ? run(true) : oneTab(() => run(false))).finally(() => {
    running = null;
    // Asked for while this run was coming to its end, too late for it to notice.
    if (again) deliverIn(failures ? pause() : 0);
  });
  return running;
}

/**
 * Two tabs that send the same do no harm, for every op has a name; so whoever has no locks (no
 * "secure context") or waits in vain, for a tab that hangs, goes ahead.
 * @param {() => Promise<boolean>} work @returns {Promise<boolean>}
 */
async function oneTab(work) {
  if (!navigator.locks) return work();
  let begun = false;
  try {
    const signal = AbortSignal.timeout(LOCK_PATIENCE);
    return await navigator.locks.request(`touchstone-room:${exam.attempt}`, { signal }, async () => {
      begun = true;
      return work();
    });
  } catch (error) {
    if (begun) throw error;
    return work();
  }
}

/** @param {boolean} last */
async function run(last) {
  if (!last) await state.refresh();
  do {
    again = false;
    const ops = batch();
    if (!ops.length && !wantItems) break;
    const wanted = wantItems;
    wantItems = false;
    if (!(await send(ops, wanted, last))) {
      wantItems ||= wanted;
      return false;
    }
  } while (state.held().length || again || wantItems);
  tell();
  return state.held().length === 0;
}

/** The oldest ops. An answer that was overtaken takes those after it along, here and there. */
function batch() {
  const ops = [];
  let size = 0;
  for (const op of state.held()) {
    size += (op.text?.length ?? 0) * 2 + 300;
    if (ops.length && (ops.length >= BATCH || size > SIZE)) break;
    ops.push(op);
  }
  return ops;
}

/** @param {Op} op as the server reads it */
function wire({ attempt: _a, person: _p, seq: _s, ...op }) {
  const needsAt = op.kind === "answer";
  const { at, ...rest } = op;
  return needsAt ? op : rest;
}

/** From when on this contact vouches for nothing. @param {Op} [first] that is not sent along */
function pendingSince(first) {
  return Math.min(first?.at ?? Infinity, serverNow());
}

/** @param {Op[]} ops @param {boolean} wanted @param {boolean} last */
async function send(ops, wanted, last) {
  const body = {
    person: exam.person,
    pending_since: pendingSince(state.held()[ops.length]),
    ops: ops.map(wire),
    ...(wanted ? { want: "items" } : {}),
  };
  state.sending(ops);
  const answer = await api.sync(exam.attempt, body, { last });
  if (answer.status !== 200 || !answer.body) {
    refused(answer);
    return false;
  }
  await arrived(ops, answer.body, answer.took);
  return true;
}

/** @param {Op[]} ops @param {any} reply @param {number} took */
async function arrived(ops, reply, took) {
  failures = 0;
  lastContact = performance.now();
  Object.assign(delivery, { online: true, blocked: "" });
  setTime(reply.now, took / 2);
  const moved = exam.deadline !== reply.deadline;
  setDeadline(reply.deadline);
  exam.lateUntil = reply.late_until;
  const overtaken = await state.acknowledge(ops, reply.replies, reply.now);
  const news = reply.items ? await takeItems(reply.items, reply.now) : [];
  const positions = [...new Set([...overtaken, ...news])];
  if (positions.length) {
    document.dispatchEvent(new CustomEvent("room:overtaken", { detail: { positions } }));
  }
  if (moved) document.dispatchEvent(new CustomEvent("room:deadline"));
  if (exam.state !== reply.state) {
    exam.state = reply.state;
    document.dispatchEvent(new CustomEvent("room:state"));
  }
  tell();
  tellTabs({ what: "changed", delivery, state: exam.state });
}

/**
 * How every question stands. Returns those that were answered elsewhere.
 * @param {[number, number | null, number, boolean, number | null][]} rows @param {number} now
 */
async function takeItems(rows, now) {
  const before = new Map(state.items().map((item) => [item.position, item.choice]));
  await state.confirm(
    rows.map(([position, choice, revision, flagged, savedAt]) => ({
      position,
      choice,
      revision,
      flagged,
      savedAt,
      ...(choice === null ? {} : { seen: true }),
    })),
    now,
  );
  return state
    .items()
    .filter((item) => item.choice !== before.get(item.position))
    .map((item) => item.position);
}

/** @param {import("./api.js").Answered} answer */
function refused(answer) {
  failures += 1;
  if (answer.status === 401) {
    delivery.blocked = "login";
    delivery.login = answer.body?.login ?? delivery.login;
  } else if (answer.status === 404 || answer.status === 409) {
    delivery.blocked = "person";
  } else {
    delivery.blocked = "";
  }
  delivery.online = Boolean(delivery.blocked);
  tell();
  tellTabs({ what: "delivery", delivery });
  deliverIn(Math.min(answer.retryAfter * 1_000, LONGEST) + pause());
}

/** Answers of this person's earlier attempts that never got through: their time may be over, but
 * they are told and put on record. */
async function deliverOthers() {
  for (const attempt of await store.heldBeside(exam.attempt, exam.person)) {
    const ops = (await store.load(attempt))?.ops ?? [];
    for (let from = 0; from < ops.length; from += BATCH) {
      const answer = await api.sync(attempt, {
        person: exam.person,
        pending_since: pendingSince(ops[from + BATCH]),
        ops: ops.slice(from, from + BATCH).map(wire),
      });
      if (answer.status !== 200) break;
      const done = answer.body.replies.map((/** @type {{id: string}} */ reply) => reply.id);
      await store.settle({ attempt, done });
    }
  }
}

/** @param {MessageEvent} event */
function fromTab({ data }) {
  if (data.attempt !== exam.attempt) return;
  if (data.delivery) Object.assign(delivery, data.delivery);
  if (data.what === "changed" || data.what === "kept") void state.refresh().then(tell);
  else tell();
  if (data.state && data.state !== exam.state) {
    exam.state = data.state;
    document.dispatchEvent(new CustomEvent("room:state"));
  }
}

function lookAgain() {
  if (document.hidden) return;
  void deliver({ want: true });
}

/** @param {{fresh: boolean}} how fresh: the page has just come from the server */
export function startQueue({ fresh }) {
  if (!exam.attempt) return;
  channel?.addEventListener("message", fromTab);
  document.addEventListener("room:recorded", tell);
  document.addEventListener("room:kept", (event) => {
    const { op } = /** @type {CustomEvent<{op: Op}>} */ (event).detail;
    tellTabs({ what: "kept" });
    if (failures && !delivery.blocked && op.kind !== "answer") return; // it goes with the next try
    deliverIn(PATIENCE[op.kind]);
  });
  document.addEventListener("visibilitychange", lookAgain);
  window.addEventListener("online", lookAgain);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) lookAgain();
  });
  setInterval(() => {
    if (performance.now() - lastContact >= HEARTBEAT) void deliver({ want: true });
  }, 15_000);
  void deliver({ want: !fresh }).then((empty) => {
    if (empty) void deliverOthers();
  });
}
