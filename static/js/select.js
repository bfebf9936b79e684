// Choosing rows: click, shift-click, all of the page, all that match; the bar counts what would be done.
(() => {
  const boxes = () => [...document.querySelectorAll("[data-select]")];
  let lastBox = null;
  const draw = () => {
    const bar = document.querySelector("[data-bulk-bar]"), all = document.querySelector("[data-select-all]");
    if (all) all.hidden = false;
    if (!bar) return;
    const list = boxes(), chosen = list.filter((box) => box.checked), everything = document.getElementById("select-everything");
    if (everything && chosen.length < list.length) everything.checked = false;
    const isEverything = everything?.checked;
    bar.hidden = !chosen.length;
    bar.querySelector("[data-count]").textContent = interpolate(gettext("%s selected"), [isEverything ? bar.dataset.total : chosen.length]);
    for (const place of bar.querySelectorAll("[data-can]")) {
      const count = chosen.filter((box) => box.closest("tr").dataset.can.split(" ").includes(place.dataset.can)).length;
      place.textContent = isEverything ? "" : count;
      place.closest("button").hidden = !count && !isEverything;
    }
    if (all) { all.checked = chosen.length > 0 && chosen.length === list.length; all.indeterminate = chosen.length > 0 && !all.checked; }
  };
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-select]");
    if (box) {
      const list = boxes();
      if (event.shiftKey && lastBox && list.includes(lastBox)) {
        const [from, to] = [list.indexOf(lastBox), list.indexOf(box)].sort((a, b) => a - b);
        for (const one of list.slice(from, to + 1)) one.checked = box.checked;
      }
      lastBox = box;
    }
    if (event.target.closest?.("[data-clear]")) { for (const one of boxes()) one.checked = false; draw(); document.querySelector("[data-select]")?.focus(); }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches("[data-select], [data-select-all], #select-everything")) draw();
  });
  document.addEventListener("htmx:afterSettle", draw);
  draw();
})();
