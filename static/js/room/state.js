// @ts-check
// What this browser knows of the attempt: the state the server last confirmed, and on top of it the
// ops that wait to be delivered. Everything the room shows is read here; everything a person does
// goes through `record`.

import { assumeOffset, deadline, serverNow, setDeadline, wallOffset } from "./clock.js";
import * as store from "./store.js";

/**
 * @typedef {object} Item
 * @property {number} position
 * @property {number | null} choice
 * @property {number} revision
 * @property {number | null} savedAt
 * @property {boolean} flagged
 * @property {boolean} seen
 * @property {number[]} struck
 * @property {[number, number][]} highlights
 * @property {boolean} [waiting] an answer of it is not acknowledged yet
 *
 * @typedef {{kind: "answer", position: number, choice: number}
 *   | {kind: "flag", position: number, on: boolean}
 *   | {kind: "seen", position: number, visible_ms: number}
 *   | {kind: "marks", position: number, struck: number[], highlights: [number, number][]}
 *   | {kind: "notes", text: string}
 *   | {kind: "departure", away_ms: number}} Deed
 *
 * @typedef {{id: string, seq: number, attempt: string, person: string, kind: Deed["kind"],
 *   at: number, position?: number, choice?: number, revision?: number, on?: boolean,
 *   visible_ms?: number, struck?: number[], highlights?: [number, number][], text?: string,
 *   away_ms?: number}} Op
 *
 * @typedef {{id: string, attempt: string, position: number, status: "late" | "not_counted",
 *   chosenAt: number, reason: string}} Outcome
 */

const page = /** @type {HTMLElement} */ (document.querySelector("[data-attempt]"));
const data = page.dataset;

export const exam = {
  /** Empty in the tutorial: everything stays in memory, nothing is sent. */
  attempt: data.attempt ?? "",
  person: data.person ?? "",
  base: data.base ?? "",
  count: Number(data.count),
  navigation: /** @type {"free" | "forward"} */ (data.navigation ?? "free"),
  feedback: /** @type {"at_end" | "after_answer"} */ (data.feedback ?? "at_end"),
  strict: data.strict === "yes",
  started: Number(data.started),
  state: /** @type {"in_progress" | "closed" | "scored" | "void"} */ (data.state ?? "in_progress"),
  /** The clock has run out; what is done from now on is of no use to the exam. */
  timeUp: false,
  /** Until when the server may still count a late answer, once it has said so. */
  lateUntil: /** @type {number | null} */ (null),
  get deadline() {
    return deadline();
  },
};

/** @type {Map<number, Item>} */
const confirmed = new Map();
/** @type {Op[]} */
let waiting = [];
/** Ops not in the store yet, or never where it is refused. */
/** @type {Set<string>} */
const unkept = new Set();
/** Ops that are done with, or made pointless by a later one: the store may not know it yet. */
/** @type {Set<string>} */
const spent = new Set();
/** Ops of this page that were never sent. Any other may have arrived, its reply may be lost. */
/** @type {Set<string>} */
const unsent = new Set();
let confirmedNotes = "";
let syncedAt = 0;
/** When the server last spoke of a question, counted in its words: what the store says of it may be
 * older, and so may what was asked of the server before. */
/** @type {Map<number, number>} */
const spokenOf = new Map();
let spoken = 0;
/** The same for a question's marks, and for the notes: only a form brings those, and an answer that
 * is acknowledged while it is on its way does not make it old. */
/** @type {Map<number, number>} */
const marksOf = new Map();
let notesOf = 0;
let storeFails = false;

/** @param {number} position @returns {Item} */
function blank(position) {
  return {
    position,
    choice: null,
    revision: 0,
    savedAt: null,
    flagged: false,
    seen: false,
    struck: [],
    highlights: [],
  };
}

/** @param {Item} item @param {Op} op */
function apply(item, op) {
  if (op.kind === "answer") {
    item.choice = op.choice ?? null;
    item.revision = (op.revision ?? item.revision) + 1;
    item.waiting = true;
  } else if (op.kind === "flag") {
    item.flagged = Boolean(op.on);
  } else if (op.kind === "seen") {
    item.seen = true;
  } else if (op.kind === "marks") {
    item.struck = op.struck ?? [];
    item.highlights = op.highlights ?? [];
  }
}

/** @param {number} position @returns {Item} */
export function itemAt(position) {
  const item = { ...(confirmed.get(position) ?? blank(position)), waiting: false };
  for (const op of waiting) if (op.position === position) apply(item, op);
  return item;
}

export function items() {
  return Array.from({ length: exam.count }, (_, index) => itemAt(index + 1));
}

/** @returns {string} */
export function notes() {
  return waiting.findLast((op) => op.kind === "notes")?.text ?? confirmedNotes;
}

/** Ops the server has not acknowledged, oldest first. */
export function held() {
  return waiting;
}

/** The question shown last, as far as it has not been told yet. @returns {number | undefined} */
export function lastSeen() {
  return waiting.findLast((op) => op.kind === "seen")?.position;
}

/** How many questions have an answer that is not acknowledged. */
export function answersHeld() {
  return new Set(waiting.filter((op) => op.kind === "answer").map((op) => op.position)).size;
}

export function lastSavedAt() {
  let last = 0;
  for (const item of confirmed.values()) last = Math.max(last, item.savedAt ?? 0);
  return last || null;
}

/** False where answers that wait live in this page only. */
export async function survivesReload() {
  return !storeFails && (await store.kept());
}

/** @param {Iterable<number>} positions */
function tellItems(positions) {
  for (const position of positions) {
    document.dispatchEvent(new CustomEvent("room:item", { detail: { position } }));
  }
}

function uuid() {
  // Not crypto.randomUUID: a house network without TLS is no "secure context".
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** @param {Op[]} ops on their way from now on */
export function sending(ops) {
  for (const op of ops) unsent.delete(op.id);
}

/**
 * The waiting ops that a new one makes pointless. What was ever sent may have arrived already: a
 * state may be said again, time must not be counted twice under another name.
 * @param {Deed} deed
 */
function replacedBy(deed) {
  if (deed.kind === "answer" || deed.kind === "departure") return [];
  const position = "position" in deed ? deed.position : undefined;
  return waiting.filter(
    (op) =>
      op.kind === deed.kind &&
      op.position === position &&
      (deed.kind !== "seen" || unsent.has(op.id)),
  );
}

/**
 * Something was done: shown at once, kept in the browser, then delivered.
 * Resolves when the browser has it, for an answer on its disk.
 * @param {Deed} deed
 */
export async function record(deed) {
  const replaced = replacedBy(deed);
  /** @type {Op} */
  let op = {
    ...deed,
    id: uuid(),
    seq: Infinity,
    attempt: exam.attempt,
    person: exam.person,
    at: serverNow(),
  };
  if (op.kind === "answer") op.revision = itemAt(op.position ?? 0).revision;
  if (op.kind === "seen") {
    op.visible_ms = replaced.reduce((sum, other) => sum + (other.visible_ms ?? 0), op.visible_ms ?? 0);
  }
  const gone = new Set(replaced.map((other) => other.id));
  waiting = [...waiting.filter((other) => !gone.has(other.id)), op];
  unkept.add(op.id);
  unsent.add(op.id);
  for (const id of gone) spent.add(id);
  if (op.position !== undefined) tellItems([op.position]);
  if (!exam.attempt) {
    // The tutorial: what was done is as good as stored.
    takeIn([op], [{ id: op.id, status: "saved", saved_at: serverNow() }]);
    return;
  }
  document.dispatchEvent(new CustomEvent("room:recorded", { detail: { op } }));
  const { seq: _, ...toKeep } = op;
  try {
    const kept = await store.keepOp(/** @type {Op} */ (toKeep), revisionOn, [...gone]);
    op = { ...op, revision: kept.revision, seq: kept.seq ?? Infinity };
    waiting = waiting.map((other) => (other.id === op.id ? op : other));
    if (kept.seq !== undefined) unkept.delete(op.id);
  } catch (error) {
    storeFails = true; // a full disk; it stays here and is delivered from here
    console.warn("The browser's storage refused an answer.", error);
  }
  document.dispatchEvent(new CustomEvent("room:kept", { detail: { op } }));
}

/**
 * The revision a new answer builds on, with what the other tabs of this browser have kept.
 * @param {number} position @param {Op[]} kept @param {Item | undefined} stored
 */
function revisionOn(position, kept, stored) {
  const last = kept.findLast((op) => op.kind === "answer" && op.position === position);
  if (last) return (last.revision ?? 0) + 1;
  return Math.max(stored?.revision ?? 0, confirmed.get(position)?.revision ?? 0);
}

/** Read what the browser holds: at boot, and when another tab has changed it. */
export async function refresh() {
  if (!exam.attempt) return;
  const before = new Map(items().map((item) => [item.position, JSON.stringify(item)]));
  // What is recorded or kept while the store is read may be missing from what is read.
  const stored = new Set(waiting.filter((op) => !unkept.has(op.id)).map((op) => op.id));
  const begun = spoken;
  const found = await store.load(exam.attempt);
  if (!found) return; // what is known here stands
  if (found.known) {
    confirmedNotes = found.known.notes;
    if (found.known.syncedAt >= syncedAt) {
      syncedAt = found.known.syncedAt;
      setDeadline(found.known.deadline);
      exam.lateUntil = found.known.lateUntil;
      assumeOffset(found.known.offset);
    }
  }
  for (const item of found.items) {
    const mine = confirmed.get(item.position);
    if ((spokenOf.get(item.position) ?? 0) > begun) continue;
    if (!mine || item.revision >= mine.revision) confirmed.set(item.position, item);
  }
  if (await store.kept()) {
    const ours = waiting.filter((op) => !stored.has(op.id));
    const ids = new Set(ours.map((op) => op.id));
    waiting = [...found.ops.filter((op) => !ids.has(op.id) && !spent.has(op.id)), ...ours];
  }
  tellItems(
    items()
      .filter((item) => JSON.stringify(item) !== before.get(item.position))
      .map((item) => item.position),
  );
}

/** @param {number} now server's time that this comes from @returns {store.Known} */
function known(now) {
  return {
    attempt: exam.attempt,
    person: exam.person,
    deadline: exam.deadline,
    offset: wallOffset(),
    syncedAt: now,
    lateUntil: exam.lateUntil,
    notes: confirmedNotes,
  };
}

/** How much the server has said so far: `confirm` wants to know it of the time one asked. */
export function wordsHeard() {
  return spoken;
}

/** @param {Item} item as the server has it */
function hear(item) {
  confirmed.set(item.position, item);
  spoken += 1;
  spokenOf.set(item.position, spoken);
}

/**
 * The server has told how questions stand: `now` is its time when it began to look. What was saved
 * while it looked may be missing, and have been heard of first. By its time one cannot tell; one can
 * by an answer's revision, and for the rest by what had been heard when this was `asked` for.
 * @param {(Partial<Item> & {position: number})[]} told @param {number} now
 * @param {{notes?: string, asked?: number}} [more]
 */
export async function confirm(told, now, { notes: text, asked = spoken } = {}) {
  const news = [];
  for (const part of told) {
    const mine = confirmed.get(part.position);
    const { position, struck, highlights, ...rest } = part;
    const item = { ...(mine ?? blank(position)), ...rest };
    if (mine) {
      const { choice, revision, savedAt, flagged } = mine;
      if (revision > (part.revision ?? 0)) Object.assign(item, { choice, revision, savedAt });
      if (now < syncedAt || (spokenOf.get(position) ?? 0) > asked) item.flagged = flagged;
      item.seen ||= mine.seen;
    }
    if (struck && highlights && (marksOf.get(position) ?? 0) <= asked) {
      Object.assign(item, { struck, highlights });
    }
    hear(item);
    if (JSON.stringify(item) !== JSON.stringify(mine)) news.push(item);
  }
  if (text !== undefined && notesOf <= asked) confirmedNotes = text;
  syncedAt = Math.max(syncedAt, now);
  if (news.length) tellItems(news.map((item) => item.position));
  if (exam.attempt) {
    await store.settle({ attempt: exam.attempt, done: [], items: news, known: known(syncedAt) });
  }
  return news.map((item) => item.position);
}

/**
 * @typedef {{id: string, status: string, position?: number, choice?: number | null,
 *   revision?: number, saved_at?: number | null, reason?: string}} Reply
 */

/**
 * Replies to ops: confirmed state and queue, in memory. Returns what the store has to learn.
 * @param {Op[]} sent @param {Reply[]} replies
 */
function takeIn(sent, replies) {
  const byId = new Map(sent.map((op) => [op.id, op]));
  const done = new Set();
  /** @type {Map<number, Item>} */
  const changed = new Map();
  /** @type {Outcome[]} */
  const outcomes = [];
  /** @type {number[]} */
  const overtaken = [];
  for (const reply of replies) {
    const op = byId.get(reply.id);
    if (!op) continue;
    done.add(op.id);
    if (op.kind === "notes") {
      if (reply.status === "ok" || !exam.attempt) confirmedNotes = op.text ?? "";
      continue;
    }
    if (op.position === undefined) continue;
    const item = { ...(confirmed.get(op.position) ?? blank(op.position)) };
    if (op.kind === "answer") {
      if (reply.status !== "refused") {
        item.choice = reply.choice === undefined ? (op.choice ?? null) : reply.choice;
        item.revision = reply.revision ?? (op.revision ?? 0) + 1;
        item.savedAt = reply.saved_at ?? null;
      }
      if (reply.status === "stale" || reply.status === "locked") overtaken.push(op.position);
      if (reply.status === "late" || reply.status === "not_counted") {
        outcomes.push({
          id: op.id,
          attempt: exam.attempt,
          position: op.position,
          status: reply.status,
          chosenAt: op.at,
          reason: reply.reason ?? "",
        });
      }
    } else if (reply.status === "ok" || !exam.attempt) {
      apply(item, op);
    }
    hear(item);
    changed.set(op.position, item);
  }
  // What was chosen on top of an answer that did not stand falls with it; the person is told.
  for (const op of waiting) {
    if (op.kind === "answer" && overtaken.includes(op.position ?? 0)) done.add(op.id);
  }
  waiting = waiting.filter((op) => !done.has(op.id));
  for (const id of done) {
    unkept.delete(id);
    spent.add(id);
  }
  tellItems(changed.keys());
  return { done: [...done], items: [...changed.values()], outcomes, overtaken };
}

/**
 * @param {Op[]} sent @param {Reply[]} replies @param {number} now the server's
 * @returns {Promise<number[]>} positions whose answer was overtaken elsewhere
 */
export async function acknowledge(sent, replies, now) {
  const { done, items: news, outcomes, overtaken } = takeIn(sent, replies);
  syncedAt = Math.max(syncedAt, now);
  for (const { kind, position } of sent) {
    if (kind === "marks" && position !== undefined) marksOf.set(position, spoken);
    if (kind === "notes") notesOf = ++spoken;
  }
  await store.settle({
    attempt: exam.attempt,
    done,
    items: news,
    known: known(syncedAt),
    outcomes,
  });
  return overtaken;
}
