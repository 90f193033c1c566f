// A button that copies the field it names: <button data-copy="invite-link" hidden>.
// The page carries an element with data-copy-status (role="status") that says what happened.

for (const button of document.querySelectorAll("button[data-copy]")) {
  const field = document.getElementById(button.getAttribute("data-copy") ?? "");
  if (!(field instanceof HTMLInputElement)) continue;
  button.removeAttribute("hidden");
  button.addEventListener("click", async () => {
    const status = button.parentElement?.querySelector("[data-copy-status]");
    let said = "Copied.";
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select();
      said = "Your browser refused to copy. The link is selected: press Ctrl or Cmd and C.";
    }
    if (status) status.textContent = said;
  });
}
