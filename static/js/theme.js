// A blocking classic script, first in the head: the chosen theme has to be on <html> before
// anything is painted. Everything else about the theme is CSS (color-scheme and light-dark()).
(() => {
  "use strict";

  const KEY = "touchstone-theme";
  const root = document.documentElement;
  root.classList.add("js");

  /** @returns {"light" | "dark" | "auto"} */
  function stored() {
    try {
      const value = localStorage.getItem(KEY);
      return value === "light" || value === "dark" ? value : "auto";
    } catch {
      return "auto"; // Storage refused by the browser's settings: follow the system.
    }
  }

  /** @param {string} theme */
  function apply(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.getAttribute("data-theme-choice") === theme));
    }
  }

  apply(stored());

  document.addEventListener("DOMContentLoaded", () => {
    for (const control of document.querySelectorAll("[data-theme-control]")) {
      control.removeAttribute("hidden");
    }
    apply(stored());
  });

  document.addEventListener("click", (event) => {
    const button =
      event.target instanceof Element ? event.target.closest("[data-theme-choice]") : null;
    const theme = button?.getAttribute("data-theme-choice");
    if (!theme) return;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // The choice then holds for this page only, which is all such a browser allows.
    }
    apply(theme);
  });

  // Another tab changed it.
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) apply(stored());
  });
})();
