// @ts-check
// Moving about the room. Once the form is in the browser every move is local: <main> gets the sheet,
// bar and foot the words that belong to it. Until then, and for whatever the exam's rules keep on the
// server, a move fetches the page and takes <main> from it.

import { announce, notice } from "./announce.js";
import * as api from "./api.js";
import { clockTime } from "./clock.js";
import { dress, dressQuestion, sayLeft, titleOf, urlOf } from "./dress.js";
import { deliver, delivery } from "./queue.js";
import { confirm, exam, itemAt, lastSeen, record, wordsHeard } from "./state.js";
import * as store from "./store.js";

/**
 * @typedef {"question" | "questions" | "review"} ViewName
 * @typedef {{name: ViewName, position: number}} View
 * @typedef {{attempt: string, person: string, sheets: (string | null)[], questions: string,
 *   review: string}} Form
 */

const DONE_AT_ONCE = 1_500; // as long as one waits without a word
const SETTLED = 2_000; // what the first moments of a page need goes before

/** @type {Form | null} */
let form = null;
/** @type {View} */
let here = { name: "question", position: 1 };
/** Explained sheets that the server has sent, to come back to. @type {Map<number, string>} */
const explained = new Map();
/** @type {() => void} */
let takeAway = () => {};
let moving = false;
let explaining = false;
let leaving = false;
/** Counts what was shown: a page that arrives after one has gone elsewhere stays unseen. */
let shows = 0;

const forward = () => exam.navigation === "forward";
const explains = () => exam.feedback === "after_answer";
const main = () => /** @type {HTMLElement} */ (document.getElementById("main"));
const sheet = () => document.getElementById("sheet");

/** @returns {View} where the person is */
export function place() {
  return here;
}

// --- Addresses ---------------------------------------------------------------------------------

/** @param {string} path @returns {View | null} */
function viewAt(path) {
  if (!exam.base || !path.startsWith(exam.base)) return null;
  const rest = path.slice(exam.base.length);
  const item = /^items\/(\d+)\/$/.exec(rest);
  if (item) {
    const position = Number(item[1]);
    return position >= 1 && position <= exam.count ? { name: "question", position } : null;
  }
  if (rest === "questions/") return { name: "questions", position: here.position };
  if (rest === "review/") return { name: "review", position: here.position };
  return null;
}

// --- Showing -----------------------------------------------------------------------------------

/** What <main> holds for a view, or null where only the server has it. @param {View} view */
function contentOf({ name, position }) {
  if (name !== "question") return form?.[name] || null;
  return explained.get(position) ?? form?.sheets[position - 1] ?? null;
}

/**
 * Go somewhere. Local when it can be.
 * @param {View} view @param {{push?: boolean}} [how] push: the back button comes back from there
 */
export async function go(view, { push = true } = {}) {
  // A drill's question shows its reasons from the moment its answer is stored.
  const answered = explains() && view.name === "question" && itemAt(view.position).savedAt !== null;
  const content = answered ? (explained.get(view.position) ?? null) : contentOf(view);
  if (content !== null) {
    show(view, content, { push });
    return;
  }
  if (moving) return;
  if (await fetchPage(urlOf(view), { push })) return;
  const fallback = contentOf(view);
  if (fallback !== null) show(view, fallback, { push });
  else say(awayWords());
}

function awayWords() {
  return exam.navigation === "forward"
    ? "Going on needs the connection, which is away. Your answer is kept here; try again in a moment."
    : "This question has not reached your browser yet, and the connection is away. " +
        "What you have answered is kept here.";
}

/**
 * @param {View} view @param {string} content
 * @param {{push: boolean, focus?: boolean}} how
 */
function show(view, content, { push, focus = true }) {
  takeAway();
  document.dispatchEvent(new CustomEvent("room:leaving", { detail: here }));
  here = view;
  shows += 1;
  main().innerHTML = content;
  main().classList.toggle("room-body", view.name !== "question");
  const room = document.getElementById("room");
  room?.classList.toggle("room-wide", view.name === "questions");
  room?.setAttribute("data-view", view.name);
  if (push && exam.base) history.pushState(null, "", urlOf(view));
  document.title = titleOf(view);
  redress();
  if (focus) {
    window.scrollTo(0, 0);
    // A screen reader starts at the new question, and the skip link's target keeps the focus order.
    main().focus({ preventScroll: true });
  }
  document.dispatchEvent(
    new CustomEvent("room:shown", { detail: { view: view.name, position: view.position } }),
  );
}

/**
 * A page of the room from the server: its <main> is shown here.
 * @param {string} url
 * @param {{push?: boolean, fields?: URLSearchParams, focus?: boolean}} [how]
 */
async function fetchPage(url, { push = true, fields, focus = true } = {}) {
  moving = true;
  const before = shows;
  const asked = wordsHeard();
  const slow = setTimeout(() => main().setAttribute("aria-busy", "true"), DONE_AT_ONCE);
  const page = await api.page(url, fields);
  clearTimeout(slow);
  main().removeAttribute("aria-busy");
  moving = false;
  if (shows !== before) return true;
  if (page.status !== 200) return false;
  const path = new URL(page.url, location.href).pathname;
  const fresh = new DOMParser().parseFromString(page.html, "text/html");
  const content = fresh.getElementById("main")?.innerHTML;
  const view = viewAt(path);
  if (!view || content === undefined || !fresh.getElementById("room")) {
    location.assign(page.url); // not the room any more: over, or somebody has to log in
    return true;
  }
  await takePage(fresh, asked);
  const told = [...fresh.querySelectorAll("#notices > .room-notice:not([data-standing]) span:last-child")];
  show(view, content, { push: push && path !== location.pathname, focus });
  for (const line of told) say(line.textContent ?? "");
  return true;
}

/**
 * What a page of the server's says of its question.
 * @param {Document} page @param {number} asked what had been heard when it was
 */
async function takePage(page, asked) {
  const room = page.getElementById("room");
  const drawn = page.getElementById("sheet");
  if (!room || !drawn) return;
  const told = drawn.dataset.item;
  if (told) await confirm([fromServer(JSON.parse(told))], Number(room.dataset.now), { asked });
  const position = Number(drawn.dataset.position);
  if ("explained" in drawn.dataset) {
    explained.set(position, drawn.outerHTML);
  } else if (forward() && form) {
    // The one question there is: those before it are left for good, also in this browser.
    form.sheets = form.sheets.map((_, index) => (index + 1 === position ? drawn.outerHTML : null));
    await store.keepForm(form);
  }
}

/** @param {Record<string, any>} row @returns {Partial<import("./state.js").Item> & {position: number}} */
function fromServer({ saved_at: savedAt, sheet: _sheet, ...row }) {
  return { ...row, position: row.position, savedAt };
}

/** A passing line that the next move takes away. @param {string} text */
function say(text) {
  takeAway = notice(text);
  announce(text);
}

// --- What a person does ------------------------------------------------------------------------

/** @param {Event} event */
function onChange(event) {
  const input = event.target;
  if (!(input instanceof HTMLInputElement) || input.name !== "choice") return;
  if (!input.closest("#answer") || explains() || exam.timeUp) return; // a drill answers by its button
  void record({ kind: "answer", position: here.position, choice: Number(input.value) });
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const target = /** @type {HTMLFormElement} */ (event.target);
  if (target.id !== "answer") return;
  event.preventDefault();
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  if (button?.name === "flag") {
    void record({ kind: "flag", position: here.position, on: button.value === "on" });
    return;
  }
  void move(button?.value ?? "next");
}

/** @param {string} where */
async function move(where) {
  const { position } = here;
  if (where === "here") return answerDrill();
  if (where === "all") return go({ name: "questions", position });
  const last = position === exam.count;
  if (where === "review" || (where === "next" && last)) return go({ name: "review", position });
  if (forward()) return leaveForGood();
  if (where === "next") return go({ name: "question", position: position + 1 });
  if (position > 1) return go({ name: "question", position: position - 1 });
}

/** In a drill: the answer, then its reasons, once the server has it. */
async function answerDrill() {
  const chosen = document.querySelector("#answer input[name=choice]:checked");
  if (!(chosen instanceof HTMLInputElement)) {
    say("Choose an option first; then you see the reasons.");
    return;
  }
  const { position } = here;
  await record({ kind: "answer", position, choice: Number(chosen.value) });
  redress();
  await explain(position);
}

/** @param {number} position */
async function explain(position) {
  if (explaining) return;
  explaining = true;
  if (itemAt(position).waiting) await deliver();
  if (here.name === "question" && here.position === position) {
    const stored = !itemAt(position).waiting;
    const shown = stored && (await fetchPage(urlOf(here), { push: false }));
    if (shown) sheet()?.querySelector(".verdict")?.scrollIntoView({ block: "start" });
    else say("Your answer is kept. The reasons come when the connection is back.");
  }
  explaining = false;
}

/** In a forward-only exam the server opens the next question, once it has the answer to this. */
async function leaveForGood() {
  if (itemAt(here.position).choice === null) {
    say("Choose an option first; then you can go on.");
    return;
  }
  if (leaving) return; // a double click
  leaving = true;
  const delivered = await deliver();
  const fields = new URLSearchParams({ go: "next" });
  const left = delivered && (await fetchPage(urlOf(here), { fields }));
  leaving = false;
  if (!left) say(awayWords());
}

/** @param {MouseEvent} event */
function onClick(event) {
  if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!(link instanceof HTMLAnchorElement) || link.target || link.origin !== location.origin) return;
  const view = viewAt(link.pathname);
  if (!view) return;
  event.preventDefault();
  void go(view);
}

// --- Boot --------------------------------------------------------------------------------------

/** The tutorial brings its sheets along, in <template data-sheet>s. @returns {Form} */
function formOfPage() {
  const html = (/** @type {string} */ selector) =>
    document.querySelector(`template${selector}`)?.innerHTML ?? "";
  return {
    attempt: "",
    person: "",
    sheets: Array.from({ length: exam.count }, (_, index) => html(`[data-sheet="${index + 1}"]`)),
    questions: html("[data-questions]"),
    review: html("[data-review]"),
  };
}

async function fetchForm() {
  const asked = wordsHeard();
  const answer = await api.form();
  if (answer.status === 404) return true; // over, or somebody else's: there is none to wait for
  if (answer.status !== 200 || answer.body?.attempt !== exam.attempt) return false;
  const { body } = answer;
  // One has gone on meanwhile, and the page of that question has brought its own sheet.
  if (forward() && form && body.last_position < here.position) return true;
  form = {
    attempt: body.attempt,
    person: body.person,
    sheets: body.items.map((/** @type {{sheet: string | null}} */ item) => item.sheet),
    questions: body.questions,
    review: body.review,
  };
  await confirm(body.items.map(fromServer), body.now, { notes: body.notes, asked });
  await store.keepForm(form);
  redress();
  document.dispatchEvent(new CustomEvent("room:form"));
  return true;
}

/**
 * Quietly, once the page is there; and again for as long as it takes. Also where the sheets are here
 * already: strokes, highlights and notes of another device come with them and with nothing else.
 * @param {number} wait
 */
function prefetch(wait) {
  setTimeout(async () => {
    if (!(await fetchForm())) prefetch(Math.min(Math.max(wait, 1_000) * (1 + Math.random()), 30_000));
  }, wait);
}

/** A choice made before this script was there to see it. */
function takeEarlyChoice() {
  const chosen = document.querySelector("#answer input[name=choice]:checked");
  if (!(chosen instanceof HTMLInputElement) || chosen.defaultChecked || explains()) return;
  if (Number(chosen.value) === itemAt(here.position).choice) return;
  void record({ kind: "answer", position: here.position, choice: Number(chosen.value) });
}

/**
 * Returns whether the page is the server's own of just now; a kept one stands in for any address.
 */
export async function startDriver() {
  const room = /** @type {HTMLElement} */ (document.getElementById("room"));
  const drawn = /** @type {View} */ ({
    name: room.dataset.view,
    position: Number(sheet()?.dataset.position ?? 0) || positionOfLists(),
  });
  here = drawn;
  const wanted = viewAt(location.pathname) ?? drawn;
  // A page that was kept stands in for a list: back from there is not where the page was.
  if (wanted.name !== drawn.name) wanted.position = lastSeen() ?? wanted.position;
  await takePage(document, wordsHeard());
  if (sheet() && wanted.position === drawn.position) takeEarlyChoice();
  document.addEventListener("change", onChange);
  document.addEventListener("submit", onSubmit);
  document.addEventListener("click", onClick);
  window.addEventListener("popstate", () => {
    const view = viewAt(location.pathname);
    if (view) void go(view, { push: false });
  });
  document.addEventListener("room:item", (event) => {
    const { position } = /** @type {CustomEvent<{position: number}>} */ (event).detail;
    if (here.name === "question" && position === here.position) dressQuestion(position);
    dressSoon();
  });
  document.addEventListener("room:tick", sayLeft);
  document.addEventListener("room:overtaken", (event) => {
    tellOvertaken(/** @type {CustomEvent<{positions: number[]}>} */ (event).detail.positions);
  });
  document.addEventListener("room:delivery", () => void explainAtLast());
  for (const name of ["room:over", "room:on"]) document.addEventListener(name, redress);
  form = exam.attempt ? ((await store.formOf(exam.attempt)) ?? null) : formOfPage();
  const fresh = (form === null && !("kept" in room.dataset)) || !exam.attempt;
  if (exam.attempt) prefetch(form ? SETTLED : 0);
  delete room.dataset.kept; // room.css hides a page that stands in for another until here
  if (exam.attempt && (wanted.name !== drawn.name || wanted.position !== drawn.position)) {
    await go(wanted, { push: false });
  } else {
    redress();
    document.dispatchEvent(
      new CustomEvent("room:shown", { detail: { view: here.name, position: here.position } }),
    );
  }
  return { fresh };
}

/** On a list: the question that one goes back to. */
function positionOfLists() {
  const back = document.querySelector('a[data-foot="back"]');
  return Number(/\/items\/(\d+)\//.exec(back?.getAttribute("href") ?? "")?.[1] ?? 1);
}

function redress() {
  dress(here, form !== null);
}

let soon = false;

/** Once, however many questions changed at a time. */
function dressSoon() {
  if (soon) return;
  soon = true;
  queueMicrotask(() => {
    soon = false;
    redress();
  });
}

/** The reasons of a drill's question whose answer had to wait. */
async function explainAtLast() {
  const { choice, savedAt, waiting } = itemAt(here.position);
  if (!explains() || here.name !== "question" || moving || !delivery.online) return;
  if (choice === null || waiting || savedAt === null) return;
  if (sheet() && !("explained" in (sheet()?.dataset ?? {}))) await explain(here.position);
}

/** @param {number[]} positions */
function tellOvertaken(positions) {
  if (positions.length > 1) {
    say(
      `${positions.length} questions were answered in another tab or on another device. ` +
        "What is stored counts; choose again if you want something else.",
    );
    return;
  }
  const [position] = positions;
  const { savedAt } = itemAt(position);
  const current = here.name === "question" && here.position === position;
  const at = savedAt === null ? "" : ` at ${clockTime(savedAt)}`;
  const which = current ? "This question" : `Question ${position}`;
  const shown = current ? "What is stored is shown here" : "What is stored counts";
  say(
    `${which} was answered in another tab or on another device${at}. ` +
      `${shown}; choose again if you want something else.`,
  );
}
