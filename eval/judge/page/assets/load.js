// A page of which a part could not be fetched (the network changed while it was opened) looks right and takes no key.
// It is reloaded a few times; then it says so.
(() => {
  "use strict";
  const [KEY, MOST, PAUSE] = ["blindside.reloads", 3, 500]; // PAUSE: milliseconds, longer each time
  const b = window.blindside;
  let complete = false;
  let tried = MOST; // where nothing can be stored it would be reloaded for ever
  let waiting = false;

  const keep = (times) => { sessionStorage.setItem(KEY, times); return times; };
  try { tried = keep(Number(sessionStorage.getItem(KEY))); } catch { /* private window */ }

  // Nothing that comes later is needed to judge, nor what failed and was only an extra (a script that a filter blocks).
  b.loaded = () => {
    if (complete) return;
    complete = true;
    if (tried) try { keep(0); } catch { /* private window */ }
    document.querySelector(".bs-incomplete")?.remove();
  };

  function say() {
    const told = document.createElement("p");
    told.classList.add("bs-banner", "bs-alarm", "bs-incomplete");
    [told.role, told.textContent] = ["alert", b.t("incomplete")];
    document.body.prepend(told);
  }

  function again() {
    if (complete || waiting) return;
    waiting = true;
    if (tried >= MOST) { say(); return; }
    keep(tried + 1);
    setTimeout(() => { if (!complete) location.reload(); }, PAUSE * (tried + 1));
  }

  window.addEventListener("vite:preloadError", again);
  window.addEventListener("error", (event) => { if (event.target instanceof HTMLScriptElement) again(); }, true);
})();
