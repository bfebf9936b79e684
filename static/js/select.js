// Check-boxes of a table: select all, and the bar that shows how many are selected.
(() => {
  const drawBulkBar = () => {
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
    if (event.target.matches("[data-select], [data-select-all]")) drawBulkBar();
  });
  document.addEventListener("htmx:afterSettle", drawBulkBar);
  drawBulkBar();
})();
