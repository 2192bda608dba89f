// The header says when the verdicts were copied, where the server's own disk may be lost.
(() => {
  "use strict";
  const EVERY = 10000; // milliseconds
  const b = window.blindside;
  const ask = window.fetch.bind(window); // a copy that is not known loses no verdict: judge.js need not tell it
  let told = null;

  function show() {
    const box = document.getElementById("bs-copied");
    if (!box) return;
    const time = told?.at ? new Date(told.at).toLocaleTimeString(b.locale()) : "";
    const key = !told ? "copied_unknown" : !time ? "copied_never" : told.waiting ? "copied_some" : "copied_all";
    box.textContent = b.t(key, { n: told?.waiting, time });
    box.title = told ? b.t(told.kept ? "copied_means_kept" : "copied_means", { s: told.every }) : "";
    box.dataset.waiting = told ? told.waiting : "";
  }

  b.copied = async () => {
    if (!document.getElementById("bs-copied")) return;
    try {
      const answer = await ask("copied");
      told = answer.ok ? await answer.json() : null;
    } catch { told = null; }
    show();
  };
  addEventListener("DOMContentLoaded", () => setInterval(b.copied, EVERY));
})();
