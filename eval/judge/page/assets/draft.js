// What a reviewer typed outlives a page that Gradio reloads when a server comes back, for the same pair only.
(() => {
  "use strict";
  const DRAFT = "blindside.draft";
  const NAME = "blindside.reviewer";
  const b = window.blindside;

  b.draft = {
    keep(draft) { try { sessionStorage.setItem(DRAFT, JSON.stringify(draft)); } catch { /* full */ } },
    drop() { try { sessionStorage.removeItem(DRAFT); } catch { /* private window */ } },
    of(pair) {
      try {
        const kept = JSON.parse(sessionStorage.getItem(DRAFT) || "{}");
        return kept.pair === pair ? kept : {};
      } catch { return {}; }
    },
  };
  b.name = {
    keep(name) { try { localStorage.setItem(NAME, name); } catch { /* private window */ } },
    kept() { try { return localStorage.getItem(NAME) || ""; } catch { return ""; } },
  };
})();
