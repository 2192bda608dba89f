// Name and password go to the server, which answers with a cookie; the page is then loaded again.
(() => {
  "use strict";
  const b = window.blindside;
  const by = (id) => document.getElementById(id);

  function dress() {
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    document.body.classList.toggle("dark", dark);
    document.body.dataset.state = "login";
    b.relabel();
  }

  function tell(key) {
    [by("bs-wrong").dataset.t, by("bs-wrong").textContent] = [key, b.t(key)];
    by("bs-wrong").hidden = false;
  }

  async function submit(event) {
    event.preventDefault();
    by("bs-enter").disabled = true;
    try {
      const answer = await fetch("login", { method: "POST", body: new URLSearchParams(new FormData(event.target)) });
      if (answer.ok) { location.reload(); return; }
      tell({ 401: "login_wrong", 429: "login_wait" }[answer.status] || "login_lost");
      by("bs-password").select();
    } catch { tell("login_lost"); }
    by("bs-enter").disabled = false;
  }

  addEventListener("DOMContentLoaded", () => {
    dress();
    by("bs-login").addEventListener("submit", submit);
    // In a frame the Hub's own page opens in a tab of its own, where judging continues; elsewhere it takes this tab.
    if (by("bs-hub") && window.top === window) by("bs-hub").removeAttribute("target");
    document.querySelector("[data-act=language]").addEventListener("click", b.switchLanguage);
  });
})();
