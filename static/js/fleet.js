// The fleet: rows keep their places; a new order or new deployments wait in a pill; one menu serves all rows.
(() => {
  const QUIET = 10_000; // milliseconds without a hand in the page, before new rows slide in
  let usedAt = Date.now();
  for (const name of ["pointermove", "pointerdown", "keydown", "scroll", "focusin"]) addEventListener(name, () => { usedAt = Date.now(); }, { passive: true, capture: true });

  const rowIds = () => [...document.querySelectorAll("#fleet-table tbody tr")].map((row) => row.id);
  let newSince = 0;
  const readNews = () => {
    const source = document.getElementById("fleet-news"), pill = document.querySelector("[data-pill]");
    if (!source?.dataset.ids && source?.dataset.isEmpty !== "1") { if (pill) pill.hidden = true; newSince = 0; return; }
    const wanted = (source.dataset.ids ?? "").split(" ").filter(Boolean), shown = rowIds();
    if (!pill) { if (wanted.length) load(); return; }
    const added = wanted.filter((id) => !shown.includes(id)).length;
    pill.textContent = added ? interpolate(ngettext("%s new", "%s new", added), [added]) : gettext("Order changed");
    pill.hidden = false;
    newSince = added ? newSince || Date.now() : 0;
  };
  const load = () => htmx.ajax("GET", location.pathname + location.search, { target: "#fleet", swap: "morph:outerHTML" });

  // The search, the pill and load() all ask for the list. What was typed decides, in whatever order answers come.
  let asked = null;
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, target, xhr } = event.detail, isSearch = elt.id === "fleet-search";
    if (target.id !== "fleet") return;
    if (asked?.isSearch && !isSearch) { event.preventDefault(); return; }
    asked?.xhr.abort();
    asked = { xhr, isSearch };
  });
  document.addEventListener("htmx:afterRequest", ({ detail }) => { if (asked?.xhr === detail.xhr) asked = null; });
  let isNewsDropped = false; // an answer about the list that is replaced now: ask again about the new one
  document.addEventListener("htmx:beforeSwap", ({ detail: { target } }) => {
    isNewsDropped = target.id === "fleet" && Boolean(document.querySelector("#fleet-news.htmx-request"));
    if (isNewsDropped) htmx.trigger("#fleet-news", "htmx:abort");
  });
  document.addEventListener("htmx:afterSettle", ({ target }) => { if (target.id === "fleet" && isNewsDropped) htmx.trigger(document.body, "portal-news"); });
  setInterval(() => {
    const isIdle = Date.now() - usedAt > QUIET && !document.querySelector("#fleet-table:hover, #fleet-table :focus");
    if (newSince && Date.now() - newSince > QUIET && isIdle && !document.hidden) { newSince = 0; load(); }
  }, 1000);
  document.addEventListener("htmx:afterSettle", ({ target }) => { if (target.id === "fleet-news") drawRows(); if (["fleet-news", "fleet"].includes(target.id)) readNews(); });

  // Rows that changed are drawn where they are. A create's row becomes its deployment's row, at the same place.
  const drawRows = () => {
    for (const row of document.querySelector("#fleet-news > template")?.content.querySelectorAll("tr") ?? []) {
      const shown = document.getElementById(row.id), old = document.getElementById(row.dataset.replaces);
      if (shown) Idiomorph.morph(shown, row, { morphStyle: "outerHTML" });
      else if (old) old.replaceWith(row);
    }
  };

  // When each deployment was last used comes once a minute, and changes nothing but that.
  document.addEventListener("htmx:afterSettle", ({ target }) => {
    const times = document.querySelector("#last-requests[data-times]")?.dataset.times;
    if (target.id !== "last-requests" || !times) return;
    for (const [id, at] of Object.entries(JSON.parse(times))) {
      const cell = document.querySelector(`#${id} td.request`);
      if (!cell) continue;
      if (!cell.firstElementChild) cell.append(Object.assign(document.createElement("time"), { tabIndex: 0 }));
      Object.assign(cell.firstElementChild, { dateTime: at }).dataset.ago = "";
    }
  });

  const menu = () => document.getElementById("row-menu");
  const showMenu = (link) => {
    const row = link.closest("tr"), url = link.getAttribute("href"), can = row.dataset.can.split(" ");
    const host = row.querySelector("[data-copy]")?.dataset.copy, id = row.dataset.deployment;
    const items = [[gettext("Open"), url]];
    if (id) items.push([gettext("Logs"), `${url}logs/`]);
    if (id && document.querySelector("[data-bulk-bar]")) items.push([gettext("Create one like this"), `${location.pathname}deployments/new/?like=${encodeURIComponent(id)}`]);
    for (const [kind, label] of [["pause", gettext("Pause with a reason")], ["resume", gettext("Resume with a reason")], ["delete", gettext("Delete")]]) if (can.includes(kind) && row.querySelector(".act, [data-select]")) items.push([label, `${url}${kind}/`]);
    const links = items.map(([text, href]) => Object.assign(document.createElement("a"), { href, textContent: text, role: "menuitem" }));
    if (host) {
      const copy = Object.assign(document.createElement("button"), { type: "button", textContent: gettext("Copy address"), role: "menuitem" });
      copy.dataset.copy = host;
      copy.addEventListener("click", () => menu().hidePopover());
      links.splice(2, 0, copy);
    }
    menu().replaceChildren(...links);
    menu().opener = link;
    menu().showPopover();
    const box = link.getBoundingClientRect(), own = menu().getBoundingClientRect();
    const top = box.bottom + 4 + own.height > innerHeight ? box.top - own.height - 4 : box.bottom + 4;
    Object.assign(menu().style, { left: `${Math.max(8, box.right - own.width)}px`, top: `${Math.max(8, top)}px` });
    links[0].focus();
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-menu]");
    if (!link || event.ctrlKey || event.metaKey || !menu()?.showPopover) return;
    event.preventDefault();
    showMenu(link);
  });
  document.addEventListener("keydown", (event) => {
    const opener = event.target.closest("#row-menu") && menu().opener;
    if (!opener) return;
    const items = [...menu().children], at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (to !== undefined) { event.preventDefault(); items.at(to % items.length).focus(); }
    if (event.key === "Escape") setTimeout(() => opener.focus());
  });
})();
