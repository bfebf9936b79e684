// Set up htmx: morphing keeps what a person has set, hidden tabs do not poll, failed requests show a banner.
(() => {
  const keptAttributes = ["open", "checked", "value", "selected"];
  // Hidden inputs and buttons must change: a stale form_token would make the next click return the old operation.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(keptAttributes.includes(name) && node.matches("details, dialog, select, option, textarea, input:not([type=hidden])"));

  const isPoll = (event) => !event.detail.requestConfig.triggeringEvent;
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && isPoll(event)) event.preventDefault();
  });

  const banner = () => document.getElementById("banner");
  const showBanner = (text) => { const box = banner(); if (box) { box.textContent = text; box.hidden = !text; } };
  document.addEventListener("htmx:sendError", () => showBanner("The portal does not answer. What you see may be old; it goes on trying."));
  document.addEventListener("htmx:responseError", (event) => {
    const { xhr } = event.detail, { status, responseText } = xhr;
    const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain"); // ours; a proxy answers HTML
    const text = isText || status < 500 ? responseText.slice(0, 300) : "The portal has a problem. It goes on trying.";
    showBanner(text || `Refused (${status}).`);
  });
  document.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) showBanner(""); });
})();
