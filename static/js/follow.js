// Keep the log at its end while the reader is at the end. When they scroll up, nothing moves, and new lines are counted.
(() => {
  const MOST = 5000;
  let isAtEnd = true, waiting = 0, wasLost = false;
  const findLog = () => document.querySelector("[data-follow]");
  const scrollToEnd = (log) => { log.scrollTop = log.scrollHeight; };
  const say = (text) => { const place = document.querySelector("[data-lines-said]"); if (place) place.textContent = text; };
  const showWaiting = (count, text) => {
    const button = document.querySelector("[data-new-lines]");
    waiting = count;
    if (button) { button.hidden = !count; button.textContent = text ?? interpolate(ngettext("%s new line", "%s new lines", count), [count]); }
  };
  // A line that appeared late belongs before those that are younger.
  const putInOrder = (list, line) => {
    const at = line.querySelector("time").dateTime;
    let place = line;
    while (place.previousElementSibling && place.previousElementSibling.querySelector("time").dateTime > at) place = place.previousElementSibling;
    if (place !== line) list.insertBefore(line, place);
    for (const one of [line, line.nextElementSibling]) one?.classList.toggle("is-new-day", one.dataset.day !== one.previousElementSibling?.dataset.day);
  };
  document.addEventListener("scroll", (event) => {
    const log = findLog();
    if (event.target === log) { isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 30; if (isAtEnd) showWaiting(0); }
  }, true);
  document.addEventListener("click", (event) => { if (event.target.closest("[data-new-lines]")) { scrollToEnd(findLog()); showWaiting(0); } });
  document.addEventListener("htmx:sendError", () => { wasLost = true; });
  document.addEventListener("htmx:afterSettle", () => {
    const log = findLog(), list = document.getElementById("line-list"), source = document.querySelector("#log-news > template");
    if (!log || !source) return;
    const lines = [...source.content.children], edge = log.getBoundingClientRect().top;
    const read = isAtEnd ? undefined : [...list.children].find((line) => line.getBoundingClientRect().bottom > edge);
    const place = read?.getBoundingClientRect().top;
    source.remove();
    for (const line of lines) { list.append(line); putInOrder(list, line); }
    const text = wasLost && lines.length ? interpolate(ngettext("%s line came while the connection was lost", "%s lines came while the connection was lost", lines.length), [lines.length]) : undefined;
    wasLost = false;
    if (text) say(text);
    if (!isAtEnd) {
      if (read) log.scrollTop += read.getBoundingClientRect().top - place; // what is read stays where it is
      const below = lines.filter((line) => line.getBoundingClientRect().top > edge); // a line that appeared late may be above
      if (below.length) showWaiting(waiting + below.length, text);
      return;
    }
    if (list.children.length > MOST) document.querySelector("[data-older]")?.removeAttribute("hidden");
    while (list.children.length > MOST) list.firstElementChild.remove();
    if (lines.length) scrollToEnd(log);
  });
  const log = findLog();
  if (log && !location.hash) scrollToEnd(log);
})();
