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
    if (event.key !== "?" && !isOn()) return;
    const keys = first && Date.now() - firstAt < 1500 ? `${first} ${event.key}` : event.key;
    const all = [...document.querySelectorAll("[data-key]")];
    const found = all.find((element) => element.dataset.key === keys) ?? all.find((element) => element.dataset.key === event.key);
    first = !found && event.key.length === 1 ? event.key : "";
    firstAt = Date.now();
    if (!found) {
      if (rowKeys[event.key] && document.getElementById("fleet-table")) { event.preventDefault(); rowKeys[event.key](currentRow()); }
      return;
    }
    event.preventDefault();
    if (found.matches("input")) found.focus(); else found.click();
  });
  const isOn = () => localStorage.getItem("keys") !== "off";
  const rows = () => [...document.querySelectorAll("#fleet-table tbody tr")];
  const currentRow = () => document.activeElement?.closest("#fleet-table tbody tr");
  const focusRow = (row) => row?.querySelector(".name a")?.focus();
  const goTo = (row, part) => { const link = row?.querySelector(".name a"); if (link) location.href = link.getAttribute("href") + part; };
  const rowKeys = { // what a key does to the row that has the focus
    j: (row) => focusRow(row ? row.nextElementSibling : rows()[0]),
    k: (row) => focusRow(row ? row.previousElementSibling : rows().at(-1)),
    x: (row) => row?.querySelector("[data-select]")?.click(),
    o: (row) => goTo(row, ""),
    l: (row) => goTo(row, "logs/"),
    p: (row) => { const kind = ["resume", "pause"].find((one) => row?.dataset.can.split(" ").includes(one)); if (kind) goTo(row, `${kind}/`); },
  };
  const rowKeyLabels = { "j": gettext("Next row"), "k": gettext("Previous row"), "x": gettext("Select the row"), "o": gettext("Open the row"), "l": gettext("Its log"), "p": gettext("Pause or resume it, after a confirmation") };
  document.addEventListener("change", ({ target }) => { if (target.matches("[data-keys-on]")) localStorage.setItem("keys", target.checked ? "on" : "off"); });
  const listShortcuts = (dialog) => {
    const body = dialog.querySelector("dl");
    body.replaceChildren();
    dialog.querySelector("[data-keys-on]").checked = isOn();
    const add = (keys, label) => {
      const term = document.createElement("dt"), text = document.createElement("dd");
      for (const letter of keys.split(" ")) { const key = document.createElement("kbd"); key.textContent = letter; term.append(key, " "); }
      text.textContent = label;
      body.append(term, text);
    };
    if (document.getElementById("palette")) add("Ctrl K", gettext("Find a deployment, page, person or action"));
    for (const element of document.querySelectorAll("[data-key]")) add(element.dataset.key, element.dataset.keyLabel || element.textContent.trim());
    if (document.getElementById("fleet-table")) for (const [key, label] of Object.entries(rowKeyLabels)) add(key, label);
  };
  const openMenus = () => [...document.querySelectorAll("details.menu[open]")];
  document.addEventListener("click", (event) => { for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") for (const menu of openMenus()) { menu.open = false; menu.querySelector("summary").focus(); } });
})();
