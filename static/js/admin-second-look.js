// While a question is written, what a second look finds in it is asked for after each pause. The
// server judges; without this script the page shows what it found in the saved draft.

const PAUSE = 1000; // milliseconds without a keystroke

/**
 * @param {HTMLFormElement} form
 * @param {HTMLElement} panel holds the findings
 * @param {string} url
 */
export function lookAgain(form, panel, url) {
  const announcer = document.getElementById("look-count");
  const note = document.getElementById("look-note");
  let timer = 0;
  let asked = new AbortController();

  const ask = async () => {
    asked.abort(); // one request at a time, and always the newest text
    const mine = (asked = new AbortController());
    try {
      const reply = await fetch(url, {
        method: "POST",
        body: new FormData(form),
        signal: mine.signal,
        redirect: "error", // the way to the log-in page is no answer
      });
      if (!reply.ok) throw new Error(String(reply.status));
      const html = await reply.text();
      if (!mine.signal.aborted) show(html);
    } catch {
      if (!mine.signal.aborted && note) note.hidden = false; // the last result stays
    }
  };

  /** @param {string} html */
  const show = (html) => {
    const focused = panel.contains(document.activeElement);
    panel.innerHTML = html;
    if (focused) panel.focus({ preventScroll: true }); // its link is gone, its place is not
    if (note) note.hidden = true;
    const line = panel.querySelector("[data-announce]");
    const count = line instanceof HTMLElement ? (line.dataset.announce ?? "") : "";
    if (announcer && announcer.textContent !== count) announcer.textContent = count;
  };

  const stop = () => {
    clearTimeout(timer);
    asked.abort();
  };

  form.addEventListener("input", () => {
    stop();
    timer = setTimeout(ask, PAUSE);
  });
  form.addEventListener("submit", stop);
  window.addEventListener("online", () => {
    if (note && !note.hidden) ask();
  });
}
