// While the profile's time zone is still UTC, offers the one the browser is set to. It only chooses
// in the list; the person saves.

const suggestion = document.querySelector("[data-time-zone-suggestion]");
const select = document.getElementById(
  suggestion?.getAttribute("data-time-zone-suggestion") ?? "",
);

if (suggestion instanceof HTMLElement && select instanceof HTMLSelectElement) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const listed = [...select.options].some((option) => option.value === zone);
  const name = suggestion.querySelector("[data-zone]");
  const button = suggestion.querySelector("button");

  if (select.value === "UTC" && zone !== "UTC" && listed && name && button) {
    name.textContent = zone.replaceAll("_", " ");
    suggestion.hidden = false;
    button.addEventListener("click", () => {
      select.value = zone;
      select.focus();
      suggestion.hidden = true;
    });
  }
}
