// Update relative times each second, and show times in the browser's zone when the profile names none.
(() => {
  const units = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
  const agoText = (seconds) => {
    if (seconds < 2) return "just now";
    const [size, unit] = units.find(([size]) => seconds >= size);
    return `${Math.floor(seconds / size)} ${unit} ago`;
  };
  const exactFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
  const usesBrowserZone = () => !document.documentElement.dataset.zone;
  const updateTimes = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const at = new Date(time.dateTime), seconds = (Date.now() - at) / 1000;
      if (seconds >= 0 && time.textContent !== agoText(seconds)) time.textContent = agoText(seconds);
      if (usesBrowserZone()) time.title = exactFormat.format(at);
    }
    if (usesBrowserZone()) for (const time of document.querySelectorAll("time[data-exact]")) {
      const text = exactFormat.format(new Date(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
    if (usesBrowserZone()) for (const time of document.querySelectorAll("time[data-clock]")) {
      const at = new Date(time.dateTime);
      const text = at.toLocaleTimeString([], { hour12: false }) + (time.dataset.clock === "ms" ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : "");
      if (time.textContent !== text) time.textContent = text;
    }
  };
  updateTimes();
  setInterval(updateTimes, 1000);
  document.addEventListener("htmx:afterSettle", updateTimes);
})();
