// The palette opens with Ctrl-K or Cmd-K, and the arrow keys move in what it found.
(() => {
  const dialog = document.getElementById("palette"), button = document.querySelector("[data-palette]");
  if (!dialog) return;
  const field = dialog.querySelector("input");
  const entries = () => [...dialog.querySelectorAll(".palette-entry")];
  const openPalette = () => {
    if (dialog.open) return dialog.close();
    dialog.showModal();
    field.value = "";
    htmx.trigger(field, "palette");
  };
  if (button) { button.hidden = false; button.addEventListener("click", openPalette); }
  document.addEventListener("keydown", (event) => {
    if (event.key?.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) { event.preventDefault(); openPalette(); }
  });
  dialog.addEventListener("keydown", (event) => {
    const all = entries(), at = all.indexOf(document.activeElement);
    if (event.key === "ArrowDown") { event.preventDefault(); (all[at + 1] ?? field).focus(); }
    if (event.key === "ArrowUp") { event.preventDefault(); (at === 0 ? field : all.at(at < 0 ? -1 : at - 1))?.focus(); }
    if (event.key === "Enter" && at < 0 && all.length) { event.preventDefault(); all[0].click(); }
  });
})();
