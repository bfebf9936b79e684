// Check-boxes of a table: all at once, and the bar that says how many.
(() => {
  const draw = () => {
    const bar = document.querySelector("[data-bulk-bar]");
    if (!bar) return;
    const count = document.querySelectorAll("[data-select]:checked").length;
    bar.hidden = !count;
    bar.querySelector("[data-count]").textContent = `${count} selected`;
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) {
      for (const box of document.querySelectorAll("[data-select]")) box.checked = event.target.checked;
    }
    if (event.target.matches("[data-select], [data-select-all]")) draw();
  });
  document.addEventListener("htmx:afterSettle", draw);
  draw();
})();
