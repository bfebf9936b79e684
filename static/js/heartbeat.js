// The heartbeat: the connection, the title and the favicon follow it, and each new result is announced once.
(() => {
  const find = () => document.getElementById("heartbeat");
  const root = document.documentElement;
  const announce = (text) => { document.getElementById("announce").textContent = text; };
  const setLost = (isLost) => {
    if (isLost && !root.classList.contains("is-lost")) announce(gettext("Connection to the portal lost"));
    root.classList.toggle("is-lost", isLost);
  };
  document.addEventListener("htmx:sendError", () => setLost(true));
  document.addEventListener("htmx:afterRequest", ({ detail }) => { if (detail.xhr.status) setLost(detail.xhr.status >= 502); });

  const colours = ["#2f9e5f", "#3b7dd8", "#c77a12", "#d13a44"], places = ["7 7", "17 7", "7 17", "17 17"];
  const drawIcon = (figures) => {
    const discs = figures.map((count, index) => {
      const [x, y] = places[index].split(" ");
      return `<circle cx="${x}" cy="${y}" r="${count > 0 ? 5 : 3.5}" fill="${count > 0 ? colours[index] : "#9a9aa6"}"/>`;
    });
    document.querySelector("link[rel=icon]").href = `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">${discs.join("")}</svg>`)}`;
  };
  const readResults = () => new Map([...document.querySelectorAll("[data-result]")].map((one) => [one.dataset.result, one.dataset.text]));
  let known = readResults();
  const update = () => {
    const element = find();
    if (!element) return;
    const count = Number(element.dataset.attention), title = document.title.replace(/^\(\d+\) /, "");
    document.title = count ? `(${count}) ${title}` : title;
    drawIcon(element.dataset.figures.split(" ").map(Number));
    const now = readResults(), fresh = [...now].filter(([id]) => !known.has(id)).map(([, text]) => text);
    if (fresh.length) announce(fresh.join(". "));
    known = now;
  };
  update();
  document.addEventListener("htmx:afterSettle", ({ target }) => { if (target.id === "heartbeat") update(); });

  document.addEventListener("submit", ({ target }) => {
    if (!target.matches("[data-read-now]")) return;
    const before = document.querySelector("[data-fresh]")?.dateTime;
    announce(gettext("Asking Roboflow"));
    setTimeout(() => announce(document.querySelector("[data-fresh]")?.dateTime === before ? gettext("Still no answer from Roboflow") : gettext("Read just now")), 6000);
  });
})();
