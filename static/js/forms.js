// Forms: a pressed button shows progress and cannot be pressed twice, the first error gets the focus, filters submit themselves.
(() => {
  document.addEventListener("submit", (event) => {
    const form = event.target, button = event.submitter;
    if (form.dataset.sent) { event.preventDefault(); return; }
    if (form.method !== "post") return;
    form.dataset.sent = "1";
    if (button) setTimeout(() => button.setAttribute("aria-busy", "true"));
    setTimeout(() => { delete form.dataset.sent; button?.removeAttribute("aria-busy"); }, 8000);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) for (const form of document.forms) delete form.dataset.sent; });
  document.querySelector("[aria-invalid=true]")?.focus();
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-filter]");
    if (form && event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });
  document.addEventListener("input", (event) => {
    const field = event.target, rule = field.dataset?.rule;
    if (!rule) return;
    const isInvalid = field.value && !new RegExp(`^(?:${rule})$`).test(field.value);
    field.setCustomValidity("");
    field.toggleAttribute("data-bad", isInvalid);
    field.setAttribute("aria-invalid", isInvalid ? "true" : "false");
  });
})();
