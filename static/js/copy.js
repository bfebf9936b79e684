// Buttons that copy text. They stay hidden where the browser cannot copy.
(() => {
  const showCopyButtons = () => { if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false; };
  showCopyButtons();
  document.addEventListener("htmx:afterSettle", showCopyButtons);
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById("announce").textContent = gettext("Copied");
    button.classList.add("is-done");
  });
})();
