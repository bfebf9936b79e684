// Keyboard shortcuts: a key, or two keys one after the other, clicks or focuses the element that has them in data-key.
(() => {
  const isTyping = (target) => target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
  let first = "", firstAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") {
      const dialog = document.getElementById("shortcuts");
      if (dialog && !dialog.open) { listShortcuts(dialog); dialog.showModal(); }
      return;
    }
    const keys = first && Date.now() - firstAt < 1500 ? `${first} ${event.key}` : event.key;
    const all = [...document.querySelectorAll("[data-key]")];
    const found = all.find((element) => element.dataset.key === keys) ?? all.find((element) => element.dataset.key === event.key);
    first = !found && event.key.length === 1 ? event.key : "";
    firstAt = Date.now();
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus(); else found.click();
  });
  const listShortcuts = (dialog) => {
    const body = dialog.querySelector("dl");
    body.replaceChildren();
    for (const element of document.querySelectorAll("[data-key]")) {
      const term = document.createElement("dt"), text = document.createElement("dd");
      for (const letter of element.dataset.key.split(" ")) { const key = document.createElement("kbd"); key.textContent = letter; term.append(key, " "); }
      text.textContent = element.dataset.keyLabel || element.textContent.trim();
      body.append(term, text);
    }
  };
  const openMenus = () => [...document.querySelectorAll("details.menu[open]")];
  document.addEventListener("click", (event) => { for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") for (const menu of openMenus()) { menu.open = false; menu.querySelector("summary").focus(); } });
})();
