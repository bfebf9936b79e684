// Buttons that copy: shown only where copying works.
(() => {
  const show = () => { if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false; };
  show();
  document.addEventListener("htmx:afterSettle", show);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById("announce").textContent = `Copied ${button.dataset.copy}`;
    button.classList.add("is-done");
  });
})();
