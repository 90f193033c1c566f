// The header's menu on narrow screens. Without this script the links simply stand there.

const toggle = document.querySelector("[data-menu-toggle]");

if (toggle instanceof HTMLButtonElement) {
  /** @param {boolean} open */
  const show = (open) => toggle.setAttribute("aria-expanded", String(open));

  toggle.addEventListener("click", () => show(toggle.getAttribute("aria-expanded") !== "true"));

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || toggle.getAttribute("aria-expanded") !== "true") return;
    show(false);
    toggle.focus();
  });
}
