// @ts-check
// The pace line: how many questions an even pace would have answered by now, beside how many are. A
// tick on the progress bar and a line of words, off unless asked for, never announced.

import { serverNow } from "./clock.js";
import { preference } from "./settings.js";
import { exam, items } from "./state.js";

const MINUTE = 60_000;

/**
 * @param {{count: number, started: number, deadline: number, now: number, answered: number}} at
 * @returns {{due: number, words: string}}
 */
export function pace({ count, started, deadline, now, answered }) {
  const share = Math.min(Math.max((now - started) / (deadline - started), 0), 1);
  const due = Math.floor(share * count);
  const behind = ((due - answered) * (deadline - started)) / count / MINUTE;
  const minutes = Math.round(Math.abs(behind));
  const apart = minutes === 0 ? "on pace" : `${minutes} minute${minutes === 1 ? "" : "s"}`;
  const side = minutes === 0 ? "" : behind > 0 ? " behind" : " ahead";
  return { due, words: `Pace: question ${due}. You: ${answered}, ${apart}${side}.` };
}

function line() {
  const drawn = document.getElementById("pace");
  if (drawn) return drawn;
  const made = document.createElement("div");
  made.id = "pace";
  made.className = "pace";
  const tick = document.createElement("span");
  tick.className = "pace-tick";
  tick.setAttribute("aria-hidden", "true");
  made.append(tick, document.createElement("p"));
  document.getElementById("progress")?.after(made);
  return made;
}

function draw() {
  const { started, deadline, count } = exam;
  if (!preference("pace") || !Number.isFinite(deadline - started)) {
    document.getElementById("pace")?.remove();
    return;
  }
  const answered = items().filter((item) => item.choice !== null).length;
  const now = pace({ count, started, deadline, now: serverNow(), answered });
  const drawn = line();
  drawn.style.setProperty("--pace", String(now.due / count));
  const words = drawn.querySelector("p");
  if (words && words.textContent !== now.words) words.textContent = now.words;
}

export function startPace() {
  for (const name of ["room:tick", "room:preferences"]) {
    document.addEventListener(name, draw);
  }
}
