// Keyboard shortcuts: a key clicks, or focuses, the element that has it in data-key. The key ? lists them.
(() => {
  const typing = (target) => target.matches("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") {
      const dialog = document.getElementById("shortcuts");
      if (dialog && !dialog.open) { listShortcuts(dialog); dialog.showModal(); }
      return;
    }
    const found = [...document.querySelectorAll("[data-key]")].find((element) => element.dataset.key === event.key);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus(); else found.click();
  });
  const listShortcuts = (dialog) => {
    const body = dialog.querySelector("dl");
    body.replaceChildren();
    for (const element of document.querySelectorAll("[data-key]")) {
      const term = document.createElement("dt"), key = document.createElement("kbd"), text = document.createElement("dd");
      key.textContent = element.dataset.key;
      term.append(key);
      text.textContent = element.dataset.keyLabel || element.textContent.trim();
      body.append(term, text);
    }
  };
  document.addEventListener("click", (event) => { for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); } });
})();
