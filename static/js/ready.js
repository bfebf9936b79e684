// "Tell me when it is ready": a notification of the browser, and the title, when the result of an operation says so.
(() => {
  const KEY = "tell-ready";
  const wanted = () => JSON.parse(localStorage.getItem(KEY) || "[]");
  const setWanted = (list) => (list.length ? localStorage.setItem(KEY, JSON.stringify(list)) : localStorage.removeItem(KEY));
  const tell = (text) => {
    document.title = `${text} - Portside`;
    if (window.Notification?.permission === "granted") new Notification(text);
  };
  const update = () => {
    const list = wanted();
    for (const button of document.querySelectorAll("[data-tell-ready]")) {
      const isWanted = list.includes(button.dataset.tellReady);
      button.hidden = false;
      button.disabled = isWanted;
      button.textContent = isWanted ? gettext("You will be told") : gettext("Tell me when it is ready");
    }
    for (const id of list) {
      const result = document.querySelector(`[data-result^="${CSS.escape(id)}-"]`);
      if (!result || result.dataset.result.endsWith("-pending")) continue;
      setWanted(wanted().filter((one) => one !== id));
      tell(result.dataset.text);
    }
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("[data-tell-ready]");
    if (!button) return;
    setWanted([...wanted(), button.dataset.tellReady]);
    update();
    if (window.Notification?.permission === "default") await Notification.requestPermission();
    document.getElementById("announce").textContent = window.Notification?.permission === "granted"
      ? gettext("You will get a notification when it is ready") : gettext("This tab's title will say when it is ready");
  });
  update();
  document.addEventListener("htmx:afterSettle", update);
})();
