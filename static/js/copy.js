// Buttons that copy text. A word above the button says whether it worked.
(() => {
  const SHOWN = 2000;
  const showCopyButtons = () => { for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = false; };
  showCopyButtons();
  document.addEventListener("htmx:afterSettle", showCopyButtons);

  // For pages without https, and browsers that refuse the clipboard to scripts. It stands beside the button: elsewhere it
  // could not be selected while a dialog is open.
  const copyBySelection = (text, button) => {
    const field = document.createElement("textarea");
    field.value = text;
    field.className = "visually-hidden";
    button.after(field);
    field.select();
    const isCopied = document.execCommand("copy");
    field.remove();
    button.focus();
    return isCopied;
  };
  const copy = (text, button) => navigator.clipboard
    ? navigator.clipboard.writeText(text).then(() => true, () => copyBySelection(text, button))
    : copyBySelection(text, button);

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const told = await copy(button.dataset.copy, button) ? gettext("Copied") : gettext("Your browser does not allow it");
    document.getElementById("announce").textContent = told;
    button.dataset.told = told;
    setTimeout(() => { delete button.dataset.told; }, SHOWN);
  });
})();
