// Update relative times each second, and show times in the browser's zone when the profile names none.
// Ages count by the portal's clock: the page carries its time, and each answer brings it anew.
(() => {
  const units = [[86400, gettext("d")], [3600, gettext("h")], [60, gettext("min")], [1, gettext("s")]];
  const spanText = (seconds) => {
    if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} ${gettext("s")}`;
    const parts = [];
    let left = Math.floor(seconds);
    for (const [size, unit] of units.slice(0, 3)) {
      const count = Math.floor(left / size);
      left %= size;
      if (count || parts.length) parts.push([count, unit]);
    }
    return parts.slice(0, 2).filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).join(" ");
  };
  const agoText = (seconds) => {
    if (seconds < 0) return interpolate(gettext("in %s"), [spanText(-seconds)]);
    if (seconds < 2) return gettext("just now");
    const [size, unit] = units.find(([size]) => seconds >= size);
    return interpolate(gettext("%s ago"), [`${Math.floor(seconds / size)} ${unit}`]);
  };
  const ageText = (seconds) => (seconds < 2 ? gettext("just now") : spanText(seconds));
  const leftText = (seconds) => (seconds > 0 ? interpolate(gettext("in %s"), [spanText(seconds)]) : gettext("about now"));
  // A new text node, unlike a new text in it, would make the browser look through a whole table for its style.
  const setText = (element, text) => {
    const { firstChild: node } = element;
    if (element.textContent === text) return;
    if (node instanceof Text && !node.nextSibling) node.data = text;
    else element.textContent = text;
  };

  let portalAhead = new Date(document.documentElement.dataset.now) - Date.now() || 0; // milliseconds
  const secondsSince = (time) => (Date.now() + portalAhead - new Date(time.dateTime)) / 1000;
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    const date = xhr.getResponseHeader("Date"), freshAt = xhr.getResponseHeader("Portal-Fresh-At");
    if (date) {
      const ahead = new Date(date) - Date.now() + 500; // the header has whole seconds
      if (Math.abs(ahead - portalAhead) > 2000) portalAhead = ahead;
    }
    if (freshAt) for (const time of document.querySelectorAll("time[data-fresh]")) time.dateTime = freshAt;
    updateTimes();
  });

  const exactFormat = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" }); // 2026-01-31 18:00:00, as the server writes it
  const offsetAt = (at, minutes = 0) => -new Date(+at + 60000 * minutes).getTimezoneOffset();
  // In an hour that a change of the clock repeats, the offset tells which of the two it is.
  const isRepeated = (at) => {
    const back = offsetAt(at, -180) - offsetAt(at, 180), now = offsetAt(at);
    return back > 0 && (now === offsetAt(at, -180) ? offsetAt(at, back) !== now : offsetAt(at, -back) !== now);
  };
  const offsetText = (minutes) => `${minutes < 0 ? "-" : "+"}${[Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60].map((part) => String(part).padStart(2, "0")).join(":")}`;
  const clockText = (at, isLog) => at.toLocaleTimeString("sv-SE") + (isLog ? `.${String(at.getMilliseconds()).padStart(3, "0")}` + (isRepeated(at) ? ` ${offsetText(offsetAt(at))}` : "") : "");
  const usesBrowserZone = () => !document.documentElement.dataset.zone;
  const updateTimes = () => {
    for (const time of document.querySelectorAll("time:is([data-ago], [data-age], [data-left])")) {
      const seconds = secondsSince(time), { ago, age } = time.dataset;
      setText(time, ago !== undefined ? agoText(seconds) : age !== undefined ? ageText(seconds) : leftText(-seconds));
      const exact = usesBrowserZone() && exactFormat.format(new Date(time.dateTime));
      if (exact && time.title !== exact) time.title = exact;
    }
    if (usesBrowserZone()) for (const time of document.querySelectorAll("time[data-exact]:not([data-local])")) {
      time.dataset.local = ""; // a morph takes it away with the text
      setText(time, exactFormat.format(new Date(time.dateTime)));
    }
    const isUtc = document.documentElement.hasAttribute("data-log-utc");
    for (const time of document.querySelectorAll("time[data-clock]:not([data-local])")) {
      const at = new Date(time.dateTime), isLog = time.dataset.clock === "ms";
      time.dataset.local = "";
      time.dataset.zoned ??= time.textContent; // as the server wrote it, in the zone of the profile
      setText(time, isUtc && isLog ? at.toISOString().slice(11, 23) : usesBrowserZone() ? clockText(at, isLog) : time.dataset.zoned);
    }
  };
  document.addEventListener("portal-zone", updateTimes);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone; // the server renders and reads times in it
  if (zone) document.cookie = `zone=${encodeURIComponent(zone)};path=/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  updateTimes();
  setInterval(updateTimes, 1000);
  document.addEventListener("htmx:afterSettle", updateTimes);
})();
