// @ts-check
// The scratchpad and the calculator lie beside the question and leave it in use. On a phone there is
// room for one.

const NARROW = matchMedia("(max-width: 39.99rem)");

/** @type {Map<string, HTMLElement>} what had the focus before a panel took it */
const before = new Map();

const panels = () =>
  /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog.side-panel"));

/** @param {HTMLDialogElement} panel @param {boolean} open */
function tell(panel, open) {
  const button = document.querySelector(`[data-tool="${panel.id}"]`);
  button?.setAttribute("aria-expanded", String(open));
}

/** @param {HTMLDialogElement} panel */
function close(panel) {
  const hadFocus = panel.contains(document.activeElement);
  panel.close();
  tell(panel, false);
  if (!hadFocus) return;
  const back = before.get(panel.id);
  const there = back && back !== document.body && back.isConnected && back.checkVisibility();
  // Somewhere it has to go at once, or the next key still falls into the closed panel.
  (there ? back : document.getElementById("main"))?.focus({ preventScroll: true });
}

/** @param {string} id */
export function togglePanel(id) {
  const panel = document.getElementById(id);
  if (!(panel instanceof HTMLDialogElement)) return;
  if (panel.open) {
    close(panel);
    return;
  }
  if (document.activeElement instanceof HTMLElement) before.set(id, document.activeElement);
  if (NARROW.matches) for (const other of panels()) if (other.open) close(other);
  panel.show(); // and the focus goes to what it asks for
  tell(panel, true);
}

export function startPanels() {
  for (const panel of panels()) {
    panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      close(panel);
    });
    panel.addEventListener("click", (event) => {
      const target = event.target instanceof Element ? event.target : null;
      if (target?.closest("[data-close-panel]")) close(panel);
    });
  }
}
