// Turns a field of keys separated by commas into chips with suggestions. The field itself stays,
// hidden, and is what the form sends.

const WAIT = 200; // milliseconds of quiet before asking for suggestions

/**
 * @param {HTMLInputElement} field
 * @param {string} url
 */
export function pickQuestions(field, url) {
  const known = document.createElement("datalist");
  known.id = `${field.id}-known`;
  const chips = document.createElement("div");
  chips.className = "chips";
  const entry = document.createElement("input");
  entry.type = "text";
  entry.id = `${field.id}-entry`;
  entry.autocomplete = "off";
  entry.setAttribute("list", known.id);
  entry.setAttribute("aria-describedby", `${field.id}_helptext`);
  document.querySelector(`label[for="${field.id}"]`)?.setAttribute("for", entry.id);
  const hint = document.getElementById(`${field.id}_helptext`);
  if (hint) hint.textContent = "Questions that give this one away. Type words or a key, then choose.";
  field.type = "hidden";
  field.after(chips, entry, known);

  const keys = () =>
    field.value
      .split(",")
      .map((key) => key.trim())
      .filter(Boolean);

  /** @param {string[]} list */
  const set = (list) => {
    field.value = [...new Set(list)].join(", ");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    show();
  };

  const show = () => {
    chips.replaceChildren(
      ...keys().map((key) => {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.textContent = key;
        chip.setAttribute("aria-label", `Remove ${key}`);
        chip.addEventListener("click", () => {
          set(keys().filter((other) => other !== key));
          entry.focus();
        });
        return chip;
      }),
    );
  };

  const take = () => {
    const key = entry.value.trim();
    if (!key) return;
    set([...keys(), key]);
    entry.value = "";
  };

  let timer = 0;
  entry.addEventListener("input", (event) => {
    event.stopPropagation(); // words of a search are not yet a change of the form
    const chosen = [...known.options].some((option) => option.value === entry.value);
    if (chosen) {
      take();
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  entry.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // Enter would send the form
    take();
  });
  entry.addEventListener("change", take);

  async function ask() {
    const words = entry.value.trim();
    if (words.length < 2) return;
    /** @type {{questions: {key: string, stem: string}[]}} */
    let found;
    try {
      const reply = await fetch(`${url}?q=${encodeURIComponent(words)}`);
      if (!reply.ok) return;
      found = await reply.json();
    } catch {
      return; // No network: a key can still be typed in full, and the server checks it.
    }
    if (words !== entry.value.trim()) return;
    known.replaceChildren(
      ...found.questions.map(({ key, stem }) => {
        const option = document.createElement("option");
        option.value = key;
        option.label = `${key}: ${stem}`;
        return option;
      }),
    );
  }

  show();
}
