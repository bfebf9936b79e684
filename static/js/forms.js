// Forms: a pressed button is busy and cannot be pressed twice, the first error gets the focus, filters submit themselves.
(() => {
  const release = (element) => { delete element.dataset.sent; element.removeAttribute("aria-busy"); };
  document.addEventListener("submit", (event) => {
    const form = event.target, pressed = event.submitter || form;
    if (pressed.dataset.sent || pressed.ariaBusy === "true") { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (form.method !== "post") return;
    pressed.dataset.sent = "1";
    if (event.submitter) setTimeout(() => pressed.setAttribute("aria-busy", "true"));
    setTimeout(() => release(pressed), 8000);
  }, true);
  document.addEventListener("htmx:afterRequest", ({ detail: { elt, successful, requestConfig } }) => {
    if (elt.id === "act" && successful) elt.elements.form_token.value = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const pressed = requestConfig?.triggeringEvent?.submitter;
    if (pressed) setTimeout(() => { delete pressed.dataset.sent; if (!successful) release(pressed); }, 300);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) for (const sent of document.querySelectorAll("[data-sent]")) release(sent); });
  document.querySelector("[aria-invalid=true]")?.focus();
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-filter]");
    if (form && event.target.matches("select, input[type=checkbox]")) form.requestSubmit();
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-hours]");
    if (!button) return;
    const field = document.querySelector("[name=duration]");
    field.value = button.dataset.hours;
    field.dispatchEvent(new Event("input", { bubbles: true }));
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
