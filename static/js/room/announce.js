// @ts-check
// Two ways to tell: `announce` speaks, once, to whoever listens to the page; `notice` writes a line
// under the bar for whoever looks at it. What matters to both calls both.

const SPOKEN_FOR = 10_000;
const READ_IN = 20_000;

/** @param {string} text */
export function announce(text) {
  const region = document.getElementById("announcer");
  if (!region) return;
  const line = document.createElement("p");
  line.textContent = text;
  region.append(line);
  setTimeout(() => line.remove(), SPOKEN_FOR);
}

function closer() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool";
  button.dataset.closeNotice = "";
  button.textContent = "Close";
  return button;
}

// Also for a line that came with the page.
document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("[data-close-notice]") : null;
  if (!button) return;
  button.closest(".room-notice")?.remove();
  document.getElementById("main")?.focus({ preventScroll: true });
});

/**
 * @param {string} text
 * @param {{lasting?: boolean, bad?: boolean, closes?: boolean,
 *   link?: {href: string, text: string}}} [how] closes: the reader may put it away
 * @returns {() => void} takes the line away again
 */
export function notice(text, { lasting = false, bad = false, closes = false, link } = {}) {
  const notices = document.getElementById("notices");
  if (!notices) return () => {};
  const line = document.createElement("div");
  line.className = bad ? "room-notice room-notice-bad" : "room-notice";
  const words = document.createElement("p");
  const mark = document.createElement("span");
  mark.className = "mark mark-note";
  mark.setAttribute("aria-hidden", "true");
  const said = document.createElement("span");
  said.append(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.href;
    anchor.textContent = link.text;
    said.append(" ", anchor);
  }
  words.append(mark, said);
  line.append(words, ...(closes ? [closer()] : []));
  // One passing remark at a time; what lasts stays beside it.
  if (!lasting) {
    line.dataset.passing = "";
    for (const earlier of notices.querySelectorAll("[data-passing]")) earlier.remove();
    setTimeout(() => line.remove(), READ_IN);
  }
  notices.append(line);
  return () => line.remove();
}
