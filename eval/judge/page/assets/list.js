// All of one's own verdicts: searched by words, or only those that are marked to come back to.
(() => {
  "use strict";
  const b = window.blindside;
  const by = (id) => document.getElementById(id);
  let [words, marked, top, flagged] = ["", false, 0, ""];

  function sift() {
    const wanted = words.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    const all = by("bs-recent").querySelectorAll("li");
    let shown = 0;
    for (const li of all) {
      const text = li.textContent.toLocaleLowerCase();
      li.hidden = !(wanted.every((word) => text.includes(word)) && (!marked || li.dataset.flagged));
      shown += li.hidden ? 0 : 1;
    }
    const hint = marked && !Array.from(all).some((li) => li.dataset.flagged) ? "none_flagged" : "none_found";
    by("bs-found").textContent = !all.length ? "" : b.t(shown ? "found" : hint, { n: shown, of: all.length });
    by("bs-only").setAttribute("aria-pressed", String(marked));
  }

  b.list = {
    open() {
      if (!by("bs-recent")) { top = 0; return; }
      const format = new Intl.DateTimeFormat(b.locale(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
      by("bs-recent").querySelectorAll("time").forEach((el) => { el.textContent = format.format(new Date(el.dateTime)); });
      by("bs-search").value = words;
      sift();
      by("bs-recent").showModal();
      const again = flagged && by("bs-recent").querySelector(`li:not([hidden]) .bs-flag[data-key="${CSS.escape(flagged)}"]`);
      const first = again || by("bs-recent").querySelector("li:not([hidden]) .bs-entry");
      if (first) first.focus();
      by("bs-recent").querySelector("ol").scrollTop = top;
    },
    all() { [words, marked, top, flagged] = ["", false, 0, ""]; },
    only(on = !marked) { marked = on; if (by("bs-recent")) sift(); },
    keep(key) { [top, flagged] = [by("bs-recent") ? by("bs-recent").querySelector("ol").scrollTop : 0, key]; },
  };
  document.addEventListener("input", (event) => { if (event.target.id === "bs-search") { words = event.target.value; sift(); } });
})();
