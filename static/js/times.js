// Times grow older by themselves, and show in the reader's zone when the profile names none.
(() => {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const ago = (seconds) => {
    if (seconds < 2) return "just now";
    const [size, unit] = units.find(([size]) => seconds >= size);
    return `${Math.floor(seconds / size)} ${unit} ago`;
  };
  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const own = () => !document.documentElement.dataset.zone;
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const at = new Date(time.dateTime), seconds = (Date.now() - at) / 1000;
      if (seconds >= 0 && time.textContent !== ago(seconds)) time.textContent = ago(seconds);
      if (own()) time.title = exact.format(at);
    }
    if (own()) for (const time of document.querySelectorAll("time[data-exact]")) {
      const text = exact.format(new Date(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
    if (own()) for (const time of document.querySelectorAll("time[data-clock]")) {
      const at = new Date(time.dateTime);
      const text = at.toLocaleTimeString([], { hour12: false }) + (time.dataset.clock === "ms" ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : "");
      if (time.textContent !== text) time.textContent = text;
    }
  };
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSettle", tick);
})();
