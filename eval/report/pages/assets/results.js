// The pages are links and forms; this adds keys, and shows new verdicts as they come.
(() => {
  "use strict";
  const EVERY = 2000; // milliseconds between two looks, and four times as long as the last renewal took
  const by = (id) => document.getElementById(id);
  const page = () => document.querySelector(".rs-page");
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const typing = (el) => el && el.closest("input, select, textarea");

  // Live
  const keyed = () => all("details[data-key]");
  function kept() {
    const focus = document.activeElement;
    const href = focus && focus.getAttribute && focus.getAttribute("href");
    return {
      open: keyed().filter((el) => el.open).map((el) => el.dataset.key),
      focus: focus && focus.id ? `#${CSS.escape(focus.id)}` : href ? `[href="${CSS.escape(href)}"]` : "",
      at: [scrollX, scrollY],
    };
  }

  function put(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").querySelector(".rs-page");
    if (!fresh) return;
    const before = kept();
    page().replaceWith(fresh);
    for (const el of keyed()) el.open = before.open.includes(el.dataset.key);
    if (before.focus && document.querySelector(before.focus)) document.querySelector(before.focus).focus({ preventScroll: true });
    scrollTo(...before.at);
    by("rs-said").textContent = by("rs-said").dataset.words;
  }

  function lost(is) {
    by("rs-lost").textContent = by("rs-lost").dataset.words;
    by("rs-lost").hidden = !is;
  }

  async function asked(address) {
    const answer = await fetch(address, { cache: "no-store" });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.text();
  }

  async function look() {
    let cost = 0;
    if (!document.hidden) {
      try {
        const [stamp, behind] = (await asked("stamp")).split(" ");
        if (stamp !== page().dataset.stamp && !typing(document.activeElement)) {
          const begun = performance.now();
          put(await asked(location.pathname + location.search));
          cost = performance.now() - begun;
        }
        by("rs-behind").hidden = !behind || stamp === "none";
        lost(false);
      } catch { lost(true); }
    }
    setTimeout(look, Math.max(EVERY, 4 * cost));
  }

  // Keys
  function tables() {
    const figure = document.activeElement.closest("figure");
    const found = all("details.rs-data", figure || document);
    const open = found.some((el) => !el.open);
    for (const el of found) el.open = open;
  }

  function step(by_) {
    const link = document.querySelector(`.rs-item a[rel="${by_ > 0 ? "next" : "prev"}"]`);
    if (link) { link.click(); return; }
    const rows = all(".rs-list tbody a");
    const at = rows.indexOf(document.activeElement);
    const to = rows[at < 0 ? (by_ > 0 ? 0 : rows.length - 1) : at + by_];
    if (to) to.focus();
  }

  const doing = {
    KeyT: tables,
    KeyJ: () => step(1),
    KeyK: () => step(-1),
    Slash: () => by("rs-q") && by("rs-q").focus(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.repeat || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (typing(event.target) || !doing[event.code]) return;
    event.preventDefault();
    doing[event.code]();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches(".rs-filters select")) event.target.form.requestSubmit();
  });

  // Fields that say nothing are left out of the address.
  document.addEventListener("formdata", (event) => {
    for (const [name, value] of [...event.formData]) if (!value.trim()) event.formData.delete(name);
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const link = new URL(button.dataset.copy, location.href).href;
    const say = (text) => { button.textContent = text; };
    if (!navigator.clipboard) { say(link); return; } // no clipboard without https: the link itself can be marked
    navigator.clipboard.writeText(link).then(() => say(by("rs-said").dataset.copied), () => say(link));
  });

  if (page().dataset.stamp) setTimeout(look, EVERY);
})();
