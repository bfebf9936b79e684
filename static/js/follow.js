// The log follows its end while one looks at the end; scrolling up holds it.
(() => {
  let atEnd = true;
  const box = () => document.querySelector("[data-follow]");
  const toEnd = (one) => { one.scrollTop = one.scrollHeight; };
  document.addEventListener("scroll", (event) => {
    const one = box();
    if (event.target === one) { atEnd = one.scrollHeight - one.scrollTop - one.clientHeight < 30; if (atEnd) note(0); }
  }, true);
  let lines = 0;
  const count = () => document.querySelectorAll("[data-follow] li").length;
  const note = (fresh) => {
    const button = document.querySelector("[data-new-lines]");
    if (!button) return;
    button.hidden = !fresh;
    button.textContent = `${fresh} new lines`;
  };
  const start = () => { const one = box(); if (one && !location.hash) toEnd(one); lines = count(); };
  document.addEventListener("click", (event) => { if (event.target.closest("[data-new-lines]")) { toEnd(box()); lines = count(); note(0); } });
  document.addEventListener("htmx:afterSettle", () => {
    const one = box();
    if (!one) return;
    if (atEnd) { toEnd(one); lines = count(); } else note(Math.max(0, count() - lines));
  });
  start();
})();
