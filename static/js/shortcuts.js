// Keys that act: each element with data-key is pressed or followed; ? lists them.
(() => {
  const typing = (target) => target.matches("input, textarea, select, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "?") {
      const dialog = document.getElementById("shortcuts");
      if (dialog && !dialog.open) { list(dialog); dialog.showModal(); }
      return;
    }
    const found = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (!found) return;
    event.preventDefault();
    if (found.matches("input")) found.focus(); else found.click();
  });
  const list = (dialog) => {
    const body = dialog.querySelector("dl");
    body.replaceChildren();
    for (const one of document.querySelectorAll("[data-key]")) {
      const term = document.createElement("dt"), key = document.createElement("kbd"), text = document.createElement("dd");
      key.textContent = one.dataset.key;
      term.append(key);
      text.textContent = one.dataset.keyWords || one.textContent.trim();
      body.append(term, text);
    }
  };
  document.addEventListener("click", (event) => { for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") for (const menu of document.querySelectorAll("details.menu[open]")) { menu.open = false; menu.querySelector("summary").focus(); } });
})();
