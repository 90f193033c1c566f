// @ts-check
// Between the room and the report: what this browser still holds is delivered, and the person told
// what counted and what did not. With nothing held and nothing to tell, on to the report at once.

import { announce } from "./announce.js";
import { clockTime, remaining } from "./clock.js";
import { deliver, delivery, startQueue } from "./queue.js";
import { answersHeld, exam, held, refresh } from "./state.js";
import * as store from "./store.js";

const SOONEST = 500;
const FIRST = 2_000; // the first look comes before this, later ones further apart
const LONGEST = 10_000;
const A_BLINK = 1_000; // as far as the browser's clock and the server's may be apart

let hadSomething = false;
let saidHow = "";

/** @param {string} id @param {string} text */
function write(id, text) {
  const place = document.getElementById(id);
  if (!place) return;
  place.hidden = !text;
  if (place.textContent !== text) place.textContent = text;
}

/** @param {number} count */
const answers = (count) => `${count} answer${count === 1 ? "" : "s"}`;

function waitingWords() {
  const count = answersHeld();
  if (!held().length) return "";
  const what = count ? `${answers(count)} of yours ${count === 1 ? "is" : "are"}` : "Something is";
  if (delivery.blocked === "login") {
    return `You have been logged out. ${what} kept in this browser. Log in to send ${count === 1 ? "it" : "them"}.`;
  }
  if (delivery.blocked === "person") {
    return "You are logged in as somebody else; the answers this browser holds belong to another account and are kept, not sent.";
  }
  if (delivery.online) return `${what} on the way.`;
  const until =
    exam.lateUntil === null ? "" : ` What arrives by ${clockTime(exam.lateUntil).slice(0, 5)} can count.`;
  return `${what} still in this browser, and the connection is away.${until} This page goes on trying by itself.`;
}

/** @param {import("./state.js").Outcome[]} outcomes */
function drawOutcomes(outcomes) {
  // The last word on each question.
  const last = new Map(outcomes.map((outcome) => [outcome.position, outcome]));
  const rows = [...last.values()].sort((a, b) => a.position - b.position);
  for (const status of /** @type {const} */ (["late", "not_counted"])) {
    const some = rows.filter((row) => row.status === status);
    const section = document.getElementById(`outcome-${status}`);
    if (!section) continue;
    section.hidden = some.length === 0;
    section.querySelector("ul")?.replaceChildren(
      ...some.map(({ position, chosenAt, reason }) => {
        const line = document.createElement("li");
        const words = `Question ${position}, chosen ${clockTime(chosenAt)}`;
        line.textContent = reason ? `${words}. ${reason}` : `${words}.`;
        return line;
      }),
    );
  }
  return rows;
}

async function draw() {
  const rows = drawOutcomes(await store.outcomes(exam.attempt));
  const login = document.getElementById("over-login");
  if (login instanceof HTMLAnchorElement) {
    login.hidden = delivery.blocked !== "login";
    const url = new URL(delivery.login, location.href);
    url.searchParams.set("next", location.pathname);
    login.href = url.pathname + url.search;
  }
  write("over-waiting", waitingWords());
  const warning = document.getElementById("over-warning");
  if (warning) warning.hidden = !held().length;
  const way = document.getElementById("over-report");
  if (way instanceof HTMLAnchorElement) {
    way.href = `${exam.base}report/${held().length ? "?anyway" : ""}`;
  }
  if (held().length || exam.state === "in_progress") return;
  if (!rows.length && !hadSomething) {
    await leave();
    return;
  }
  const lost = rows.filter((row) => row.status === "not_counted").length;
  const how = lost
    ? `${answers(lost)} came too late and ${lost === 1 ? "does" : "do"} not count.`
    : "Everything this browser held has been saved.";
  write("over-done", how);
  if (how !== saidHow) announce(how);
  saidHow = how;
}

async function leave() {
  await store.forget(exam.attempt);
  location.replace(`${exam.base}report/`);
}

/**
 * The server closes an attempt some seconds after the deadline, for what was on its way. Extended or
 * reopened, it goes on where it was. Everybody in a timed exam waits here for the same second, so
 * each looks at moments of their own.
 */
async function untilClosed() {
  for (let most = FIRST; exam.state === "in_progress"; most = Math.min(most * 1.5, LONGEST)) {
    if (remaining() > A_BLINK) {
      location.replace(exam.base);
      return;
    }
    const pause = SOONEST + Math.random() * (most - SOONEST);
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (delivery.online && !delivery.blocked) await deliver({ want: true });
  }
}

await refresh();
hadSomething = held().some((op) => op.kind === "answer");
document.addEventListener("room:delivery", () => void draw());
document.getElementById("over-report")?.addEventListener("click", (event) => {
  if (held().length) return;
  event.preventDefault();
  void leave();
});
startQueue({ fresh: false });
await draw();
await untilClosed();
await draw();
