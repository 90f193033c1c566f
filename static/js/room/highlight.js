// @ts-check
// Words highlighted in the stem. Select them and press the button that appears, or H; a click on a
// highlight takes it away. Whoever cannot select text highlights by the sentence, in a list.
//
// Kept as [start, end] of the stem's text, so that a highlight survives any new drawing of it.

import { announce, notice } from "./announce.js";
import { exam, itemAt, record } from "./state.js";

/** @typedef {[number, number]} Span */

const MOST = 50; // the server keeps no more

const stem = () => document.getElementById("stem");
const dialog = () => /** @type {HTMLDialogElement | null} */ (document.getElementById("highlights"));
const position = () => Number(document.getElementById("sheet")?.dataset.position);

/** In order, apart, none empty. @param {readonly Span[]} spans @returns {Span[]} */
export function merge(spans) {
  /** @type {Span[]} */
  const merged = [];
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (start >= end) continue;
    if (last && start <= last[1]) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** @param {readonly Span[]} spans @param {Span} cut @returns {Span[]} */
export function without(spans, [from, to]) {
  return merge(
    spans.flatMap(([start, end]) => [
      /** @type {Span} */ ([start, Math.min(end, from)]),
      /** @type {Span} */ ([Math.max(start, to), end]),
    ]),
  );
}

/**
 * The sentences of a text, without the blanks around them.
 * @param {string} text @param {number} [from] where it begins
 * @returns {Span[]}
 */
export function sentences(text, from = 0) {
  const cut =
    "Segmenter" in Intl
      ? [...new Intl.Segmenter("en", { granularity: "sentence" }).segment(text)]
      : [...text.matchAll(/[^.?!]*[.?!]*/g)].map((m) => ({ index: m.index, segment: m[0] }));
  return cut.flatMap(({ index, segment }) => {
    const start = from + index + segment.length - segment.trimStart().length;
    const end = from + index + segment.trimEnd().length;
    return start < end ? [/** @type {Span} */ ([start, end])] : [];
  });
}

function texts() {
  const root = stem();
  /** @type {Text[]} */
  const found = [];
  if (!root) return found;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) found.push(/** @type {Text} */ (walker.currentNode));
  return found;
}

/** A sentence ends with its paragraph, full stop or none. @returns {Span[]} */
function stemSentences() {
  /** @type {{block: Element | null | undefined, from: number, text: string}[]} */
  const blocks = [];
  let at = 0;
  for (const node of texts()) {
    const block = node.parentElement?.closest("p, li, th, td, pre, #stem");
    const last = blocks.at(-1);
    if (last && last.block === block) last.text += node.data;
    else blocks.push({ block, from: at, text: node.data });
    at += node.length;
  }
  return blocks.flatMap(({ from, text }) => sentences(text, from));
}

/** One range for each text node a span touches. @param {readonly Span[]} spans */
function ranges(spans) {
  let at = 0;
  return texts().flatMap((node) => {
    const from = at;
    at += node.length;
    return spans.flatMap(([start, end]) => {
      const [a, b] = [Math.max(start - from, 0), Math.min(end - from, node.length)];
      if (a >= b) return [];
      const range = document.createRange();
      range.setStart(node, a);
      range.setEnd(node, b);
      return [range];
    });
  });
}

/** What is selected of the stem, without the blanks around it. @returns {Span | null} */
function selected() {
  const root = stem();
  const selection = getSelection();
  if (!root || !selection?.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!range.intersectsNode(root)) return null;
  const before = document.createRange();
  before.selectNodeContents(root);
  const inside = before.cloneRange();
  if (root.contains(range.startContainer)) inside.setStart(range.startContainer, range.startOffset);
  if (root.contains(range.endContainer)) inside.setEnd(range.endContainer, range.endOffset);
  before.setEnd(inside.startContainer, inside.startOffset);
  const text = inside.toString();
  const start = before.toString().length + text.length - text.trimStart().length;
  const end = start + text.trim().length;
  return start < end ? [start, end] : null;
}

/** @param {Span[]} highlights */
function keep(highlights) {
  if (exam.timeUp) return;
  if (highlights.length > MOST) {
    notice(`A question holds ${MOST} highlights. Take one away first.`);
    announce(`A question holds ${MOST} highlights. Take one away first.`);
    return;
  }
  const { struck } = itemAt(position());
  void record({ kind: "marks", position: position(), struck, highlights });
}

// --- Drawing

const API = "highlights" in CSS;

/** Where the browser cannot paint ranges, marks are put around the words. */
function wrap() {
  const root = stem();
  for (const mark of root?.querySelectorAll("mark.highlighted") ?? []) {
    mark.replaceWith(...mark.childNodes);
  }
  root?.normalize();
  for (const range of ranges(itemAt(position()).highlights)) {
    const mark = document.createElement("mark");
    mark.className = "highlighted";
    range.surroundContents(mark);
  }
}

function draw() {
  button().hidden = true;
  const tool = document.querySelector("[data-tool=highlight]");
  if (tool instanceof HTMLElement) tool.hidden = !stem();
  if (!stem()) return;
  if (API) CSS.highlights.set("stem", new Highlight(...ranges(itemAt(position()).highlights)));
  else wrap();
  if (dialog()?.open) fillDialog();
}

// --- By selection

/** What the button is about: a touch on it may undo the selection. */
/** @type {Span | null} */
let offered = null;

/** The button that appears under a selection. */
function button() {
  const there = document.getElementById("highlight-here");
  if (there instanceof HTMLButtonElement) return there;
  const made = document.createElement("button");
  made.type = "button";
  made.id = "highlight-here";
  made.className = "button button-small highlight-here";
  made.textContent = "Highlight";
  made.hidden = true;
  made.addEventListener("click", () => offered && flip(offered));
  document.getElementById("room")?.append(made);
  return made;
}

function offer() {
  const span = selected();
  const made = button();
  if (!span && made === document.activeElement) return;
  made.hidden = !span;
  if (!span) return;
  offered = span;
  made.textContent = isHighlighted(span) ? "Remove highlight" : "Highlight";
  const rect = getSelection()?.getRangeAt(0).getBoundingClientRect();
  if (!rect) return;
  const left = Math.min(Math.max(rect.left, 8), innerWidth - made.offsetWidth - 8);
  made.style.insetInlineStart = `${left + scrollX}px`;
  made.style.insetBlockStart = `${rect.bottom + scrollY + 8}px`;
}

/** @param {Span} span */
function isHighlighted([from, to]) {
  return itemAt(position()).highlights.some(([start, end]) => start <= from && end >= to);
}

/** @param {Span} span */
function flip(span) {
  const { highlights } = itemAt(position());
  const there = isHighlighted(span);
  keep(there ? without(highlights, span) : merge([...highlights, span]));
  announce(there ? "Highlight removed" : "Highlighted");
  getSelection()?.removeAllRanges();
}

/** Highlight what is selected; without a selection, show the list of sentences. */
export function highlight() {
  if (!stem()) return;
  const span = selected();
  if (span) flip(span);
  else openDialog();
}

/** @param {MouseEvent} event a click on a highlight takes it away */
function onClick(event) {
  const target = event.target instanceof Element ? event.target : null;
  if (!target?.closest("#stem") || event.detail !== 1 || selected()) return;
  const { clientX: x, clientY: y } = event;
  const { highlights } = itemAt(position());
  const hit = highlights.find((span) =>
    ranges([span]).some((range) =>
      [...range.getClientRects()].some(
        ({ left, right, top, bottom }) => x >= left && x <= right && y >= top && y <= bottom,
      ),
    ),
  );
  if (hit) keep(without(highlights, hit));
}

// --- By the sentence

function fillDialog() {
  const list = dialog()?.querySelector("[data-sentences]");
  const text = stem()?.textContent ?? "";
  const { highlights } = itemAt(position());
  list?.replaceChildren(
    ...stemSentences().map((span) => {
      const inside = highlights.filter(([start, end]) => start < span[1] && end > span[0]);
      const label = document.createElement("label");
      label.className = "choice";
      const box = document.createElement("input");
      box.type = "checkbox";
      box.dataset.span = span.join(" ");
      box.checked = inside.some(([start, end]) => start <= span[0] && end >= span[1]);
      box.indeterminate = !box.checked && inside.length > 0;
      const words = document.createElement("span");
      words.textContent = text.slice(...span);
      label.append(box, words);
      return label;
    }),
  );
  const clear = dialog()?.querySelector("[data-clear-highlights]");
  if (clear instanceof HTMLButtonElement) clear.disabled = highlights.length === 0;
}

function openDialog() {
  fillDialog();
  dialog()?.showModal();
}

/** @param {Event} event */
function onChange(event) {
  const box = event.target;
  if (!(box instanceof HTMLInputElement) || !box.dataset.span) return;
  const [start = 0, end = 0] = box.dataset.span.split(" ").map(Number);
  const { highlights } = itemAt(position());
  const index = [...(dialog()?.querySelectorAll("[data-span]") ?? [])].indexOf(box);
  keep(box.checked ? merge([...highlights, [start, end]]) : without(highlights, [start, end]));
  const again = dialog()?.querySelectorAll("[data-span]")[index]; // the list was drawn anew
  if (again instanceof HTMLElement) again.focus();
}

export function startHighlight() {
  document.addEventListener("room:shown", draw);
  document.addEventListener("room:item", (event) => {
    const { detail } = /** @type {CustomEvent<{position: number}>} */ (event);
    if (detail.position === position()) draw();
  });
  document.addEventListener("selectionchange", offer);
  // A press on what highlights must not undo the selection it is about.
  document.addEventListener("mousedown", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-tool=highlight], #highlight-here")) event.preventDefault();
  });
  document.addEventListener("click", onClick);
  dialog()?.addEventListener("change", onChange);
  dialog()?.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest("[data-clear-highlights]")) keep([]);
  });
  draw();
}
