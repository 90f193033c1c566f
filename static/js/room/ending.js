// @ts-check
// The end: at the person's word, from the review, once everything is delivered; or by the clock, with
// or without a network. What was chosen in time goes on being delivered either way.

import { announce, notice } from "./announce.js";
import * as api from "./api.js";
import { clockTime, remaining } from "./clock.js";
import { deliver, delivery } from "./queue.js";
import { answersHeld, exam, held } from "./state.js";
import * as store from "./store.js";

const AGAIN = 10_000;

let leaving = false;
/** @type {() => void} */
let takeAway = () => {};
/** @type {() => void} */
let takeDeadline = () => {};

/** @param {string} where below the attempt's address */
function leave(where) {
  if (leaving) return;
  leaving = true;
  const go = () => location.replace(exam.base + where);
  // A page that was kept stands in for the very one we want: it is in trouble, and not to be run down.
  if (location.pathname === exam.base + where) setTimeout(go, AGAIN * (1 + Math.random()));
  else go();
}

/** @param {number} at */
const shortTime = (at) => clockTime(at).slice(0, 5);

// --- At the person's word ------------------------------------------------------------------------

/** @param {SubmitEvent} event */
async function onEnd(event) {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.id !== "end") return;
  event.preventDefault();
  const button = /** @type {HTMLFormElement} */ (form).querySelector("button");
  if (!exam.attempt || !button || button.disabled) return;
  button.disabled = true; // a double click ends it once
  takeAway();
  if (!(await allDelivered()) || !(await api.end())) {
    button.disabled = false;
    if (!delivery.blocked) tellAway(); // else the page says already what stands in the way
    return;
  }
  if (!held().length) await store.forget(exam.attempt);
  leave("report/");
}

/** Asks in any case: a log-in that has run out would look like an end. */
async function allDelivered() {
  let delivered = await deliver({ want: true });
  while (delivered && held().length) delivered = await deliver();
  return delivered;
}

function tellAway() {
  const words =
    "Ending needs the connection, which is away. Your answers are kept here, and the exam ends by " +
    `itself at ${shortTime(exam.deadline)}.`;
  takeAway = notice(words);
  announce(words);
}

// --- By the clock --------------------------------------------------------------------------------

/** @param {number} left milliseconds */
function look(left) {
  if (left > 0 && exam.timeUp && exam.state === "in_progress") {
    exam.timeUp = false; // extended
    takeAway();
    document.dispatchEvent(new CustomEvent("room:on"));
  }
  if (left > 0 || exam.timeUp) return;
  exam.timeUp = true;
  document.dispatchEvent(new CustomEvent("room:over"));
  takeAway();
  takeDeadline();
  const words = "Time is up. What you have chosen counts as soon as it is saved.";
  takeAway = notice(words, { lasting: true });
  announce(words);
  void deliver({ want: true }).then(closeUp);
}

/** Everything delivered: on to the page that says what counted. Else: what waits, and how long. */
function closeUp() {
  if (!exam.timeUp || remaining() > 0) return;
  if (delivery.online && !delivery.blocked) {
    if (!held().length) leave("over/");
    return; // or it is on its way
  }
  takeAway();
  const count = answersHeld();
  const what = count
    ? `${count} answer${count === 1 ? "" : "s"} could not be sent yet and ${count === 1 ? "waits" : "wait"} here. `
    : "Everything you answered has been saved. ";
  const until = count ? stillCounts() : "";
  takeAway = notice(
    `Time is up, and the connection is away. ${what}${until}This page goes on trying by itself.`,
    { lasting: true },
  );
}

function stillCounts() {
  // The server says until when; before it has, or where it takes nothing late, promise nothing.
  if (exam.lateUntil === null) return "";
  const many = answersHeld() !== 1;
  return `${many ? "They count" : "It counts"} if ${many ? "they arrive" : "it arrives"} by ${shortTime(exam.lateUntil)}. `;
}

/** The server has closed it: by the clock, in another tab or by staff. What is held goes first. */
function onState() {
  if (exam.state === "in_progress") return;
  if (exam.state === "void") leave("");
  else if (!held().length) leave("over/");
}

/** The newest end only; and not where the page itself came with the words for it. */
function onDeadline() {
  if (remaining() <= 0) return;
  const standing = document.querySelector("#notices [data-standing]");
  if (standing && Number(document.getElementById("room")?.dataset.deadline) === exam.deadline) return;
  standing?.remove();
  takeDeadline();
  const words = `Your exam now ends at ${shortTime(exam.deadline)}.`;
  const link = { href: `${exam.base}log/`, text: "The log says why" };
  takeDeadline = notice(words, { lasting: true, closes: true, link });
  announce(words);
}

export function startEnding() {
  document.addEventListener("submit", (event) => void onEnd(event));
  document.addEventListener("room:tick", (event) => {
    look(/** @type {CustomEvent<{remaining: number}>} */ (event).detail.remaining);
  });
  document.addEventListener("room:delivery", closeUp);
  for (const name of ["room:state", "room:delivery"]) document.addEventListener(name, onState);
  document.addEventListener("room:deadline", onDeadline);
}
