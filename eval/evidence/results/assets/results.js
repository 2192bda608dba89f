// The results pages' links and forms. The address is the whole state: this sends it, and shows what comes back.
(() => {
  "use strict";
  const PATIENCE = 30000; // milliseconds until a silent server is called lost
  const LOST = "The server does not answer. Start `blindside results` again, then reload this page.";
  const by = (id) => document.getElementById(id);
  const stage = () => document.querySelector(".rs-page");

  let turn = "";
  let asked = null;     // what is to be done once the page that was asked for is there
  let refresh = true;
  let timer = 0;

  // Gradio calls this when it sends the event of #rs-send.
  const take = () => JSON.stringify({ address: location.search, refresh });

  function lost(text) {
    by("rs-lost").textContent = text;
    by("rs-lost").hidden = !text;
    stage().removeAttribute("aria-busy");
  }

  function load(then = {}, anew = false) {
    if (!by("rs-send")) return;
    [asked, refresh] = [then, anew];
    stage().setAttribute("aria-busy", "true");
    clearTimeout(timer);
    timer = setTimeout(() => lost(LOST), PATIENCE);
    by("rs-send").click();
  }

  function go(href, then) {
    history.replaceState({ top: scrollY }, "");
    history.pushState({ top: 0 }, "", href);
    load(then);
  }

  const doing = {
    refresh: () => load({ focus: '[data-do="refresh"]' }, true),
    copy(button) {
      const link = new URL(button.dataset.link, location.href).href;
      const say = (text) => { button.textContent = text; };
      if (!navigator.clipboard) return say(link); // no clipboard without https: the link itself can be marked
      return navigator.clipboard.writeText(link).then(() => say("Copied"), () => say(link));
    },
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (button) { doing[button.dataset.do](button); return; }
    const link = event.target.closest(".rs-page a[href^='?']");
    if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    const stays = link.closest(".rs-segments");
    go(link.getAttribute("href"), stays ? { focus: '.rs-segments [aria-current="true"]' } : { top: 0, focus: "h1" });
  });

  function find(form, focus) {
    const fields = new URLSearchParams({ view: "browse" });
    for (const [name, value] of new FormData(form)) if (value.trim()) fields.set(name, value.trim());
    go(`?${fields}`, { focus });
  }

  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-do='find']")) return;
    event.preventDefault();
    find(event.target, `#${document.activeElement.id || "rs-q"}`);
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-do='find'] select")) find(event.target.form, `#${event.target.id}`);
  });

  window.addEventListener("popstate", (event) => {
    if (stage().dataset.address === location.search) return; // a place on the same page
    load({ top: (event.state && event.state.top) || 0 });
  });

  function settle() {
    const data = stage().dataset;
    turn = data.turn;
    if (data.address !== location.search) { load(asked || {}); return; } // an answer that was overtaken
    clearTimeout(timer);
    if (by("rs-lost")) lost("");
    document.title = data.title;
    const { focus, top } = asked || {};
    asked = null;
    if (focus && document.querySelector(focus)) document.querySelector(focus).focus({ preventScroll: true });
    if (top !== undefined) scrollTo(0, top);
  }

  // A failed request is noticed at once; Gradio itself says nothing.
  const plainFetch = window.fetch;
  window.fetch = (...args) => plainFetch(...args).catch((error) => {
    if (error.name !== "AbortError" && turn) { clearTimeout(timer); lost(LOST); }
    throw error;
  });

  history.scrollRestoration = "manual";
  window.blindside = { take };
  new MutationObserver(() => {
    if (stage() && stage().dataset.turn && stage().dataset.turn !== turn) settle();
  }).observe(document, { childList: true, subtree: true });
})();
