// @ts-check
// What the page says of saving: the receipt of the question in view, how many answers wait, and what
// stands in the way. Spoken are only the failure and the recovery, once each.

import { announce, notice } from "./announce.js";
import { clockTime } from "./clock.js";
import { place } from "./driver.js";
import { delivery } from "./queue.js";
import { answersHeld, held, itemAt, items, lastSavedAt, survivesReload } from "./state.js";

/** @typedef {"is-saved" | "is-saving" | "is-waiting" | ""} Look */

/** Shown while something stands in the way. @type {{kind: string, remove: () => void} | null} */
let standing = null;
let failing = false;

/** @param {number} count */
const answers = (count) => `${count} answer${count === 1 ? "" : "s"}`;

/** @param {Look} look @param {string} words */
function write(look, words) {
  const line = document.getElementById("save-state");
  if (!line) return;
  const text = line.textContent;
  if (text === words && line.classList.contains(look || "save-state")) return;
  line.className = `save-state ${look}`.trim();
  const mark = document.createElement("span");
  mark.className = `mark ${look === "is-saved" ? "mark-check" : "mark-note"}`;
  mark.setAttribute("aria-hidden", "true");
  line.replaceChildren(...(look ? [mark] : []), words);
}

function draw() {
  const count = answersHeld();
  const away = !delivery.online || Boolean(delivery.blocked);
  const last = lastSavedAt();
  if (count && away) {
    const since = last === null ? "" : `, last saved ${clockTime(last)}`;
    write("is-waiting", `${answers(count)} waiting to be saved${since}`);
    return;
  }
  if (held().some((op) => op.kind !== "seen") && away) {
    write("is-waiting", "Changes waiting to be saved");
    return;
  }
  if (place().name !== "question") {
    const saved = items().filter((item) => item.savedAt !== null).length;
    if (count) write("is-saving", "Saving");
    else if (saved) write("is-saved", `${answers(saved)} saved`);
    else write("", "Nothing answered yet");
    return;
  }
  const item = itemAt(place().position);
  if (item.waiting) write("is-saving", "Saving");
  else if (item.savedAt !== null) write("is-saved", `Saved ${clockTime(item.savedAt)}`);
  else write("", "Not answered yet");
}

/** A line that stays for as long as its reason does. @param {string} kind */
function stand(kind) {
  if (standing?.kind === kind) return;
  standing?.remove();
  standing = null;
  if (kind === "login") {
    const [kept, way] = keptWords();
    const link = { href: logIn(), text: way };
    const words = `You have been logged out. ${kept}`.trim();
    standing = { kind, remove: notice(words, { lasting: true, bad: true, link }) };
  } else if (kind === "person") {
    const words =
      "You are logged in as somebody else; these answers belong to another account and are kept, " +
      "not sent.";
    standing = { kind, remove: notice(words, { lasting: true, bad: true }) };
  }
}

/** @returns {[kept: string, way: string]} what is safe, and what to do */
function keptWords() {
  const count = answersHeld();
  if (!count) return ["", "Log in to go on saving."];
  if (count === 1) return ["Your answer is kept here.", "Log in to send it."];
  return [`Your ${answers(count)} are kept here.`, "Log in to send them."];
}

function logIn() {
  const url = new URL(delivery.login, location.href);
  url.searchParams.set("next", location.pathname);
  return url.pathname + url.search;
}

function onDelivery() {
  const { blocked, online } = delivery;
  // The count in the words may have changed.
  if (blocked === "login" && standing?.kind === "login") {
    standing.remove();
    standing = null;
  }
  stand(blocked);
  draw();
  if (blocked || !online) fail(blocked);
  else recover();
}

/** @param {string} blocked */
function fail(blocked) {
  if (failing || !answersHeld()) return;
  failing = true;
  if (blocked === "login") announce(`You have been logged out. ${keptWords().join(" ")}`);
  else if (blocked) announce("You are logged in as somebody else. Your answers are kept, not sent.");
  else announce("The connection is away. Your answers are kept here and saved when it is back.");
  void survivesReload().then((survives) => {
    if (survives) return;
    const words =
      "This browser refuses to keep anything, so the answers that wait live in this page only. " +
      "Keep it open until they are saved.";
    notice(words, { lasting: true, bad: true });
    announce(words);
  });
}

function recover() {
  if (!failing || answersHeld()) return;
  failing = false;
  announce("The connection is back. All your answers are saved.");
}

export function startSaving() {
  for (const name of ["room:item", "room:shown"]) document.addEventListener(name, draw);
  document.addEventListener("room:delivery", onDelivery);
  draw();
}
