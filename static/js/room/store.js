// @ts-check
// What the room keeps in the browser: IndexedDB "touchstone-room", shared by the tabs of a browser
// and read by the service worker (room-worker.js), which has to know the names used here.
//
//   exams     attempt -> what is known of it: whose it is, its clock, its notes
//   items     attempt, position -> the state of a question as the server last confirmed it
//   forms     attempt -> the keyless sheets, to go on reading without a network
//   ops       in order: what the server has not acknowledged yet
//   outcomes  op -> what became of an answer that arrived after the end
//
// Where the browser refuses storage the room works from memory; `kept` tells which it is. A store
// that fails, is full or hangs stops nothing: only `keepOp` throws, for the person has to be told.

/**
 * @typedef {import("./state.js").Item} Item
 * @typedef {import("./state.js").Op} Op
 * @typedef {import("./state.js").Outcome} Outcome
 * @typedef {import("./driver.js").Form} Form
 * @typedef {{attempt: string, person: string, deadline: number, offset: number, syncedAt: number,
 *   lateUntil: number | null, notes: string}} Known
 */

const NAME = "touchstone-room";
const VERSION = 1;
const PATIENCE = 10_000; // then it hangs, as browsers' stores at times do after a sleep
const BY_ATTEMPT = ["exams", "items", "forms", "ops", "outcomes"];

/** @type {Promise<IDBDatabase | null> | null} */
let opened = null;

/** Null where the browser refuses. */
function database() {
  opened ??= new Promise((resolve) => {
    /** @type {IDBOpenDBRequest} */
    let request;
    try {
      request = indexedDB.open(NAME, VERSION);
    } catch {
      resolve(null); // Switched off by the browser's settings.
      return;
    }
    request.onupgradeneeded = () => {
      const db = request.result;
      db.createObjectStore("exams", { keyPath: "attempt" });
      db.createObjectStore("items", { keyPath: ["attempt", "position"] });
      db.createObjectStore("forms", { keyPath: "attempt" });
      db.createObjectStore("ops", { keyPath: "seq", autoIncrement: true });
      db.createObjectStore("outcomes", { keyPath: "id" });
      for (const name of ["items", "ops", "outcomes"]) {
        request.transaction?.objectStore(name).createIndex("attempt", "attempt");
      }
    };
    request.onsuccess = () => {
      const db = request.result;
      db.onversionchange = () => {
        db.close(); // a newer page of ours wants to change it
        opened = null;
      };
      db.onclose = () => (opened = null);
      opened = Promise.resolve(db); // also if it took longer than anybody waited
      resolve(db);
    };
    request.onerror = () => resolve(null);
    request.onblocked = () => resolve(null);
    setTimeout(() => resolve(null), PATIENCE);
  });
  return opened;
}

export async function kept() {
  return (await database()) !== null;
}

/**
 * One transaction. `work` makes its requests at once or inside their callbacks.
 * @template Result
 * @param {string[]} stores
 * @param {IDBTransactionMode} mode
 * @param {(transaction: IDBTransaction, done: (result: Result) => void) => void} work
 * @param {{strict?: boolean}} [how] strict: back only once the disk has it
 * @returns {Promise<Result | undefined>}
 */
async function within(stores, mode, work, { strict = false } = {}) {
  const db = await database();
  if (!db) return undefined;
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(stores, mode, {
      durability: strict ? "strict" : "relaxed",
    });
    const hangs = new Error("The browser's storage does not answer.");
    const tooLong = setTimeout(() => reject(hangs), PATIENCE);
    /** @type {Result | undefined} */
    let result;
    transaction.oncomplete = () => {
      clearTimeout(tooLong);
      resolve(result);
    };
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
    work(transaction, (value) => (result = value));
  });
}

/**
 * Undefined where the store failed.
 * @template Result
 * @param {Promise<Result>} work
 */
async function tried(work) {
  try {
    return await work;
  } catch (error) {
    console.warn("The browser's storage failed.", error);
    return undefined;
  }
}

/**
 * Undefined where the store failed: that is not the same as nothing kept.
 * @param {string} attempt
 * @returns {Promise<{known: Known | undefined, items: Item[], ops: Op[]} | undefined>}
 */
export async function load(attempt) {
  /** @type {{known: Known | undefined, items: Item[], ops: Op[]}} */
  const found = { known: undefined, items: [], ops: [] };
  const read = within(["exams", "items", "ops"], "readonly", (transaction, done) => {
    const known = transaction.objectStore("exams").get(attempt);
    known.onsuccess = () => (found.known = known.result);
    const items = transaction.objectStore("items").index("attempt").getAll(attempt);
    items.onsuccess = () => (found.items = items.result);
    const ops = transaction.objectStore("ops").index("attempt").getAll(attempt);
    ops.onsuccess = () => (found.ops = ops.result);
    done(found);
  });
  return (await kept()) ? tried(read) : found;
}

/**
 * Keep an op. An answer gets its revision here, where the tabs of a browser come one after another.
 * @param {Op} op
 * @param {(position: number, kept: Op[], stored: Item | undefined) => number} revisionOn
 * @param {string[]} replaced ops that this one makes pointless
 * @returns {Promise<Op>} as kept
 */
export async function keepOp(op, revisionOn, replaced) {
  const strict = op.kind === "answer";
  const made = await within(
    ["items", "ops"],
    "readwrite",
    (transaction, /** @type {(op: Op) => void} */ done) => {
      const ops = transaction.objectStore("ops");
      const waiting = ops.index("attempt").getAll(op.attempt);
      const confirmed =
        op.position === undefined
          ? undefined
          : transaction.objectStore("items").get([op.attempt, op.position]);
      const keep = () => {
        for (const other of waiting.result) {
          if (replaced.includes(other.id)) ops.delete(other.seq);
        }
        const final = strict
          ? { ...op, revision: revisionOn(op.position ?? 0, waiting.result, confirmed?.result) }
          : op;
        const put = ops.add(final);
        put.onsuccess = () => done({ ...final, seq: Number(put.result) });
      };
      // Requests come back in order: the later one has both.
      (confirmed ?? waiting).onsuccess = keep;
    },
    { strict },
  );
  return made ?? op;
}

/**
 * What came of a delivery: ops that are done with, and what is now confirmed.
 * @param {{attempt: string, done: string[], items?: Item[], known?: Known, outcomes?: Outcome[]}} news
 */
export async function settle({ attempt, done, items = [], known, outcomes = [] }) {
  const written = within(["exams", "items", "ops", "outcomes"], "readwrite", (transaction) => {
    const ops = transaction.objectStore("ops");
    if (done.length) {
      const waiting = ops.index("attempt").getAll(attempt);
      waiting.onsuccess = () => {
        for (const op of waiting.result) if (done.includes(op.id)) ops.delete(op.seq);
      };
    }
    for (const item of items) transaction.objectStore("items").put({ ...item, attempt });
    for (const outcome of outcomes) transaction.objectStore("outcomes").put(outcome);
    if (known) transaction.objectStore("exams").put(known);
  });
  await tried(written);
}

/** @param {string} attempt @returns {Promise<Outcome[]>} */
export async function outcomes(attempt) {
  const found = within(
    ["outcomes"],
    "readonly",
    (transaction, /** @type {(found: Outcome[]) => void} */ done) => {
      const request = transaction.objectStore("outcomes").index("attempt").getAll(attempt);
      request.onsuccess = () => done(request.result);
    },
  );
  return (await tried(found)) ?? [];
}

/** @param {Form} form */
export async function keepForm(form) {
  const written = within(["forms"], "readwrite", (transaction) => {
    transaction.objectStore("forms").put(form);
  });
  await tried(written);
}

/** @param {string} attempt @returns {Promise<Form | undefined>} */
export async function formOf(attempt) {
  const found = within(
    ["forms"],
    "readonly",
    (transaction, /** @type {(form: Form | undefined) => void} */ done) => {
      const request = transaction.objectStore("forms").get(attempt);
      request.onsuccess = () => done(request.result);
    },
  );
  return tried(found);
}

/**
 * Other attempts of this person that this browser still holds answers of.
 * @param {string} attempt @param {string} person
 * @returns {Promise<string[]>}
 */
export async function heldBeside(attempt, person) {
  const found = within(
    ["ops"],
    "readonly",
    (transaction, /** @type {(ops: Op[]) => void} */ done) => {
      const request = transaction.objectStore("ops").getAll();
      request.onsuccess = () => done(request.result);
    },
  );
  const others = ((await tried(found)) ?? []).filter((op) => op.attempt !== attempt && op.person === person);
  return [...new Set(others.map((op) => op.attempt))];
}

/**
 * An attempt is over and delivered: nothing of it stays in the browser. Unless another tab has kept
 * something since.
 * @param {string} attempt
 */
export async function forget(attempt) {
  const gone = within(BY_ATTEMPT, "readwrite", (transaction) => {
    const held = transaction.objectStore("ops").index("attempt").count(attempt);
    held.onsuccess = () => {
      if (held.result) return;
      transaction.objectStore("exams").delete(attempt);
      transaction.objectStore("forms").delete(attempt);
      for (const name of ["items", "outcomes"]) {
        const store = transaction.objectStore(name);
        const keys = store.index("attempt").getAllKeys(attempt);
        keys.onsuccess = () => {
          for (const key of keys.result) store.delete(key);
        };
      }
    };
  });
  await tried(gone);
}
