// @ts-check
// "All questions" narrowed to the incomplete, the flagged or the unseen. The choice stays while one
// moves to and fro, and for this page only.

import { announce } from "./announce.js";
import { items } from "./state.js";

/** @typedef {import("./state.js").Item} Item */

/** @type {Record<string, {label: string, holds: (item: Item) => boolean, none: string}>} */
const FILTERS = {
  all: { label: "All", holds: () => true, none: "" },
  incomplete: {
    label: "Incomplete",
    holds: (item) => item.choice === null,
    none: "No question is incomplete: all of them are answered.",
  },
  flagged: {
    label: "Flagged",
    holds: (item) => item.flagged,
    none: "No question is flagged.",
  },
  unseen: {
    label: "Unseen",
    holds: (item) => !item.seen,
    none: "No question is unseen: you have looked at all of them.",
  },
};

const GRID = "#main .nav-grid[data-cells=all]";

let chosen = "all";

/** @param {string} name */
const held = (name) => items().filter((item) => FILTERS[name]?.holds(item));

function draw() {
  const grid = document.querySelector(GRID);
  const group = document.getElementById("nav-filter");
  const none = document.getElementById("nav-none");
  if (!grid || !group || !none) return;
  for (const button of group.querySelectorAll("button")) {
    const name = button.dataset.filter ?? "all";
    button.setAttribute("aria-pressed", String(name === chosen));
    const number = button.querySelector("b");
    if (number) number.textContent = String(held(name).length);
  }
  const shown = new Set(held(chosen).map((item) => item.position));
  for (const [index, cell] of [...grid.children].entries()) {
    if (cell instanceof HTMLElement) cell.hidden = !shown.has(index + 1);
  }
  none.textContent = shown.size ? "" : (FILTERS[chosen]?.none ?? "");
  none.hidden = shown.size > 0;
}

let soon = false;

/** Once, however many questions changed at a time. */
function drawSoon() {
  if (!soon) {
    queueMicrotask(() => {
      soon = false;
      draw();
    });
  }
  soon = true;
}

function dress() {
  const grid = document.querySelector(GRID);
  const list = document.querySelector("#room[data-view=questions]");
  if (!grid || !list || document.getElementById("nav-filter")) return;
  const group = document.createElement("div");
  group.id = "nav-filter";
  group.className = "nav-filter";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Show");
  group.append(
    ...Object.entries(FILTERS).map(([name, { label }]) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.filter = name;
      button.append(`${label} `, document.createElement("b"));
      return button;
    }),
  );
  const none = document.createElement("p");
  none.id = "nav-none";
  none.hidden = true;
  grid.before(group, none);
}

/** @param {Event} event */
function onClick(event) {
  const target = event.target instanceof Element ? event.target.closest("[data-filter]") : null;
  if (!(target instanceof HTMLElement) || !target.dataset.filter) return;
  chosen = target.dataset.filter;
  draw();
  const number = held(chosen).length;
  const shown = `${number} question${number === 1 ? "" : "s"} shown`;
  announce(number ? shown : (FILTERS[chosen]?.none ?? ""));
}

export function startNavigatorFilter() {
  const show = () => {
    dress();
    draw();
  };
  document.addEventListener("room:shown", show);
  document.addEventListener("room:item", drawSoon);
  document.addEventListener("click", onClick);
  show();
}
