// Reading: both answers scroll together by their share, the end of each says what is left below, the prompt folds.
(() => {
  "use strict";
  const LINKED = "blindside.linked";
  const STEP = 0.8;
  const SCROLLS = ".bs-stage, .bs-prompt, .bs-panes, .bs-pane";
  const b = window.blindside;
  const by = (id) => document.getElementById(id);
  const panes = () => Array.from(document.querySelectorAll(".bs-pane"));
  const rest = (el) => el.scrollHeight - el.clientHeight;
  // Where there is little height the answers do not scroll by themselves: the page does.
  const apart = () => panes().some((pane) => getComputedStyle(pane).overflowY !== "visible");
  const echoes = new WeakMap(); // where a pane was put by the other one: its own scroll event must not move that back

  let [kept, open] = [[], []]; // of the showing before: where everything was, and what was unfolded
  let linked = true;
  try { linked = localStorage.getItem(LINKED) !== "no"; } catch { /* private window */ }

  function put(pane, top) {
    pane.scrollTop = top;
    echoes.set(pane, pane.scrollTop);
  }

  function follow(pane) {
    const share = rest(pane) > 0 ? pane.scrollTop / rest(pane) : 0;
    for (const other of panes()) if (other !== pane) put(other, share * rest(other));
  }

  function below(pane) {
    const words = pane.querySelector(".bs-below span");
    const left = rest(pane) > 24 ? 1 - (pane.scrollTop + pane.clientHeight) / pane.scrollHeight : 0;
    const text = left > 0.005 ? b.t("more_below", { n: Math.max(1, Math.round(100 * left)) }) : "";
    if (words && words.textContent !== text) words.textContent = text;
  }

  document.addEventListener("scroll", ({ target }) => {
    if (!(target instanceof Element) || !target.matches(".bs-pane")) return;
    const echo = echoes.get(target);
    echoes.delete(target);
    if (linked && !(echo !== undefined && Math.abs(echo - target.scrollTop) < 1)) follow(target);
    panes().forEach(below);
  }, true);

  // Over an answer that is all there, the wheel moves the other one.
  document.addEventListener("wheel", (event) => {
    const pane = event.target instanceof Element && event.target.closest(".bs-pane");
    if (!pane || !linked || event.ctrlKey || rest(pane) > 1 || !apart()) return;
    for (const other of panes()) if (other !== pane) other.scrollTop += event.deltaMode ? event.deltaY * 20 : event.deltaY;
  }, { passive: true });

  // What the keys move: the longer answer with the other one behind it, or the one that is looked at.
  function driver() {
    const looked = panes().find((pane) => pane.contains(document.activeElement) || pane.matches(":hover"));
    if (!linked && looked) return looked;
    return panes().reduce((one, other) => (rest(other) > rest(one) ? other : one), panes()[0]);
  }

  function move(to) {
    const page = document.querySelector(".bs-stage");
    if (!panes().length) return;
    if (!apart()) { page.scrollTop = to(page); return; }
    const pane = driver();
    put(pane, to(pane));
    if (linked) follow(pane);
    panes().forEach(below);
  }

  // The prompt: as far as there is room, then whole, then one line.
  const prompt = () => document.querySelector(".bs-prompt");
  const state = () => ["bs-whole", "bs-folded"].find((name) => document.body.classList.contains(name)) || "";
  const hides = () => prompt() && prompt().scrollHeight > prompt().clientHeight + 2;

  function setPrompt(name) {
    document.body.classList.remove("bs-whole", "bs-folded");
    if (name) document.body.classList.add(name);
  }

  function offerFold() {
    const button = document.querySelector(".bs-fold");
    if (!button) return;
    const tall = prompt().clientHeight > 60;
    button.hidden = !(hides() || state() || tall);
    const key = state() === "bs-folded" ? "prompt_show" : hides() && !state() ? "prompt_whole" : "prompt_fold";
    button.querySelector("span").textContent = b.t(key);
    button.ariaExpanded = String(state() === "bs-whole" || !hides());
  }

  function turnPrompt() {
    const whole = !state() && hides();
    setPrompt(whole ? "bs-whole" : state() === "bs-folded" ? "" : "bs-folded");
    offerFold();
    panes().forEach(below);
  }

  // Thoughts are read of both answers, or of neither: seen of one alone they would weigh for it, or against it.
  const thoughts = () => Array.from(document.querySelectorAll(".bs-thinking"));
  function turnThoughts() {
    const opens = thoughts().some((el) => !el.open);
    for (const el of thoughts()) el.open = opens;
    const highest = thoughts().sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)[0];
    if (opens && !apart()) highest.scrollIntoView({ block: "start" });
    for (const el of opens && apart() ? thoughts() : []) {
      const pane = el.closest(".bs-pane");
      const top = el.getBoundingClientRect().top - pane.getBoundingClientRect().top - pane.querySelector(".bs-head").offsetHeight;
      put(pane, pane.scrollTop + top);
    }
    panes().forEach(below);
  }
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".bs-thinking > summary")) return;
    event.preventDefault();
    turnThoughts();
  });
  document.addEventListener("toggle", ({ target }) => { if (target.matches(".bs-system")) b.reading.refresh(); }, true);

  const relink = () => { if (by("bs-linked")) by("bs-linked").setAttribute("aria-pressed", String(linked)); };

  b.reading = {
    down: () => move((el) => el.scrollTop + STEP * el.clientHeight),
    up: () => move((el) => el.scrollTop - STEP * el.clientHeight),
    home: () => move(() => 0),
    end: () => move((el) => rest(el)),
    turnPrompt,
    turnThoughts,
    link() {
      linked = !linked;
      try { localStorage.setItem(LINKED, linked ? "yes" : "no"); } catch { /* private window */ }
      relink();
    },
    // A new pair is read from its beginning; of a conversation the last question is what is asked.
    start() {
      setPrompt("");
      document.querySelectorAll(".bs-pane").forEach((el) => put(el, 0));
      document.querySelectorAll(".bs-stage, .bs-prompt, .bs-panes").forEach((el) => el.scrollTo(0, 0));
      document.querySelectorAll(".bs-system").forEach((el) => { el.open = false; });
      document.querySelectorAll(".bs-multi").forEach((el) => el.scrollTo(0, el.scrollHeight));
    },
    // The same pair shown again, marked or refused, is where it was.
    keep() {
      kept = Array.from(document.querySelectorAll(SCROLLS), (el) => [el.scrollTop, el.scrollLeft]);
      open = Array.from(document.querySelectorAll(".bs-system"), (el) => el.open);
    },
    restore() {
      document.querySelectorAll(".bs-system").forEach((el, i) => { el.open = Boolean(open[i]); });
      document.querySelectorAll(SCROLLS).forEach((el, i) => {
        if (!kept[i]) return;
        if (el.matches(".bs-pane")) put(el, kept[i][0]);
        else el.scrollTo(kept[i][1], kept[i][0]);
      });
      const missing = document.querySelector(".bs-missing");
      if (missing) missing.scrollIntoView({ block: "nearest" });
    },
    refresh() { relink(); offerFold(); panes().forEach(below); },
  };
  addEventListener("resize", () => b.reading.refresh());
})();
