// Keep the log scrolled to its end while the reader is at the end. When they scroll up, stop, and count the new lines.
(() => {
  let isAtEnd = true;
  const findLog = () => document.querySelector("[data-follow]");
  const scrollToEnd = (log) => { log.scrollTop = log.scrollHeight; };
  document.addEventListener("scroll", (event) => {
    const log = findLog();
    if (event.target === log) { isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30; if (isAtEnd) showNewLines(0); }
  }, true);
  let linesSeen = 0;
  const countLines = () => document.querySelectorAll("[data-follow] li").length;
  const showNewLines = (newLines) => {
    const button = document.querySelector("[data-new-lines]");
    if (!button) return;
    button.hidden = !newLines;
    button.textContent = interpolate(ngettext("%s new line", "%s new lines", newLines), [newLines]);
  };
  const startFollowing = () => { const log = findLog(); if (log && !location.hash) scrollToEnd(log); linesSeen = countLines(); };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-new-lines]")) { scrollToEnd(findLog()); linesSeen = countLines(); showNewLines(0); } });
  document.addEventListener("htmx:afterSettle", () => {
    const log = findLog();
    if (!log) return;
    if (isAtEnd) { scrollToEnd(log); linesSeen = countLines(); } else showNewLines(Math.max(0, countLines() - linesSeen));
  });
  startFollowing();
})();
