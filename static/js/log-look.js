// How this browser shows logs: long lines wrapped, colours, times in UTC. And a click on a line's time opens it in a dialog.
(() => {
  const usual = { wrap: true, colours: true, utc: false };
  const read = () => { try { return { ...usual, ...JSON.parse(localStorage.getItem("log-look")) }; } catch { return usual; } };
  const root = document.documentElement;
  const show = () => {
    const look = read(), menu = document.querySelector("[data-log-look]");
    root.toggleAttribute("data-log-nowrap", !look.wrap);
    root.toggleAttribute("data-log-plain", !look.colours);
    root.toggleAttribute("data-log-utc", look.utc);
    if (menu) { menu.hidden = false; for (const box of menu.querySelectorAll("input")) box.checked = look[box.name]; }
    for (const time of document.querySelectorAll("time[data-clock][data-local]")) time.removeAttribute("data-local");
    document.dispatchEvent(new Event("portal-zone"));
  };
  document.addEventListener("change", (event) => {
    if (!event.target.closest("[data-log-look]")) return;
    localStorage.setItem("log-look", JSON.stringify({ ...read(), [event.target.name]: event.target.checked }));
    show();
  });
  show();
  document.addEventListener("click", async (event) => {
    const dialog = document.getElementById("line-dialog"), link = event.target.closest("#lines .at");
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    if (!dialog || !link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    await htmx.ajax("GET", link.href, { target: "#line-view", swap: "innerHTML" });
    if (!dialog.open) dialog.showModal();
    dialog.querySelector(".is-linked")?.scrollIntoView({ block: "center" });
  });
})();
