// Set up htmx: morphing keeps what a person has set, hidden tabs do not poll unless they shall tell when something is ready, a refusal stays until it is read.
(() => {
  const keptAttributes = ["open", "checked", "value", "selected", "indeterminate"];
  // Hidden inputs and buttons must change: a stale form_token would make the next click return the old operation.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) =>
    !(keptAttributes.includes(name) && node.matches("details, dialog, select, option, textarea, input:not([type=hidden])"));

  const isPoll = (event) => !event.detail.requestConfig.triggeringEvent?.isTrusted && event.detail.requestConfig.verb === "get";
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && isPoll(event) && !localStorage.getItem("tell-ready")) event.preventDefault();
  });

  const banner = () => document.getElementById("banner");
  const showBanner = (text) => { const box = banner(); if (box) { box.querySelector("span").textContent = text; box.hidden = !text; } };
  document.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    const { status, responseText } = xhr;
    const isText = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain"); // ours; a proxy answers HTML
    if (status >= 502 && !isText) return; // the heartbeat tells that the connection is lost
    showBanner((isText || status < 500 ? responseText.slice(0, 300) : gettext("The portal has a problem. It goes on trying.")) || interpolate(gettext("Refused (%s)."), [status]));
  });
  document.addEventListener("htmx:sendError", ({ detail }) => {
    if (detail.requestConfig.verb !== "get") showBanner(gettext("The portal did not answer, so it is not known whether it got this. Look at the row, then try again."));
  });
  document.addEventListener("click", (event) => { if (event.target.closest("#banner button")) showBanner(""); });
})();
