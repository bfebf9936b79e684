// Zoom into the histogram of a log: drag over a stretch of time, or move along the bars with the arrow keys.
(() => {
  let start; // where the pointer went down, as a share of the width
  const shareAt = (svg, event) => { const box = svg.getBoundingClientRect(); return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)); };
  const timeAt = (svg, share) => {
    const from = Date.parse(svg.dataset.from), to = Date.parse(svg.dataset.to);
    return new Date(from + share * (to - from)).toISOString();
  };
  const zoom = (svg, first, last) => {
    const url = new URL(svg.dataset.url, location.href);
    url.searchParams.set("from", first);
    url.searchParams.set("to", last);
    location.assign(url);
  };
  const choose = (svg, first, last) => {
    const rect = svg.querySelector("[data-chosen]");
    rect.setAttribute("x", `${100 * Math.min(first, last)}%`);
    rect.setAttribute("width", `${100 * Math.abs(last - first)}%`);
  };
  document.addEventListener("pointerdown", (event) => {
    const svg = event.target.closest("[data-histogram]");
    if (!svg || event.button || event.target.closest(".mark-link")) return;
    event.preventDefault(); // a link would be dragged instead
    start = shareAt(svg, event);
    const isWide = (end) => Math.abs(end - start) * svg.clientWidth > 4;
    const move = (moved) => choose(svg, start, isWide(shareAt(svg, moved)) ? shareAt(svg, moved) : start);
    const stop = (ended) => {
      document.removeEventListener("pointermove", move);
      const end = shareAt(svg, ended);
      if (ended.type === "pointerup" && isWide(end)) {
        document.addEventListener("click", (click) => click.preventDefault(), { once: true, capture: true });
        zoom(svg, timeAt(svg, Math.min(start, end)), timeAt(svg, Math.max(start, end)));
      } else choose(svg, 0, 0);
    };
    document.addEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, stop, { once: true });
  });
  document.addEventListener("keydown", (event) => {
    const bar = event.target.closest?.("[data-histogram] a:not(.mark-link)"), step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!bar || !step) return;
    const bars = [...bar.parentNode.querySelectorAll("a:not(.mark-link)")], next = bars[bars.indexOf(bar) + step];
    if (!next) return;
    event.preventDefault();
    bar.setAttribute("tabindex", -1);
    next.setAttribute("tabindex", 0);
    next.focus();
  });
})();
