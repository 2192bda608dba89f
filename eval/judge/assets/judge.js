// The judging page's keys and buttons. The server decides everything: this sends what was pressed, with the nonce of the
// pair that is on the screen, and stays locked until the next showing is painted.
(() => {
  "use strict";
  const NAME = "blindside.reviewer";
  const DRAFT = "blindside.draft";
  const PATIENCE = 10000; // milliseconds until a silent server is called lost
  const LOST = "The server does not answer. Your verdict was not saved: press the key again once it is back.";
  const GONE = "The server does not answer. Your verdicts are saved: go on once it is back.";
  const BACK = "The server is back. Your verdict on this pair was not saved: judge it again.";
  const by = (id) => document.getElementById(id);
  const stage = () => document.querySelector(".bs-stage");

  let turn = "";        // nonce of the showing that is painted
  let shown = "";       // its two answers, to tell whether the next showing is the same pair
  let locked = true;
  let pending = null;   // what the next event carries to the server
  let timer = 0;
  let reviewer = "";
  let marked = false;   // whether differences are marked, on this pair and the next ones

  const remember = (name) => { try { localStorage.setItem(NAME, name); } catch { /* private window */ } };
  const recall = () => { try { return localStorage.getItem(NAME) || ""; } catch { return ""; } };

  // Gradio reloads the page when a server comes back: what was typed must outlive that, for the same pair only.
  const draft = {
    keep(lost) { try { sessionStorage.setItem(DRAFT, JSON.stringify({ pair: shown, comment: comment(), lost })); } catch { /* full */ } },
    drop() { try { sessionStorage.removeItem(DRAFT); } catch { /* private window */ } },
    of(pair) {
      try {
        const kept = JSON.parse(sessionStorage.getItem(DRAFT) || "{}");
        return kept.pair === pair ? kept : {};
      } catch { return {}; }
    },
  };

  // Gradio calls this when it sends the event of #bs-send.
  const take = () => JSON.stringify(pending || { act: "hello", reviewer });

  // Half a surrogate pair would not be JSON for the server.
  const comment = () => (by("bs-comment").value.toWellFormed ? by("bs-comment").value.toWellFormed() : by("bs-comment").value);

  const status = (text) => { if (by("bs-status").textContent !== text) by("bs-status").textContent = text; };

  function alarm(text) {
    by("bs-lost").textContent = text;
    by("bs-lost").hidden = !text;
  }

  function lose() {
    clearTimeout(timer);
    if (!by("bs-lost")) return;
    draft.keep(Boolean(pending));
    alarm(pending ? LOST : GONE);
    if (pending) status("Not saved");
    lock(false);
  }

  function lock(on) {
    locked = on;
    document.querySelectorAll(".bs-bar button, .bs-card button").forEach((b) => b.setAttribute("aria-disabled", String(on)));
  }

  function send(action) {
    if (locked) return;
    lock(true);
    status(""); // so that a screen reader hears each "Saved"
    pending = { reviewer, nonce: turn, comment: comment(), differences: marked, ...action };
    clearTimeout(timer);
    timer = setTimeout(lose, PATIENCE);
    by("bs-send").click();
  }

  const actions = {
    left: () => send({ act: "vote", choice: "left" }),
    right: () => send({ act: "vote", choice: "right" }),
    tie: () => send({ act: "vote", choice: "tie" }),
    both_bad: () => send({ act: "vote", choice: "both_bad" }),
    skip: () => send({ act: "skip" }),
    undo: () => { if (stage().dataset.undo) send({ act: "undo" }); },
    comment: () => by("bs-comment").focus(),
    help: () => by("bs-help").showModal(),
    raw: () => by("bs-raw").setAttribute("aria-pressed", String(document.body.classList.toggle("bs-raw"))),
    down: () => scroll(1),
    up: () => scroll(-1),
    differences: () => send({ act: "show", differences: !marked }),
    rename: () => send({ act: "hello", reviewer: "" }),
  };
  const keys = {
    Digit1: "left", Numpad1: "left", ArrowLeft: "left", Digit2: "tie", Numpad2: "tie", KeyT: "tie",
    Digit3: "both_bad", Numpad3: "both_bad", KeyX: "both_bad", Digit4: "right", Numpad4: "right", ArrowRight: "right",
    KeyS: "skip", KeyU: "undo", Backspace: "undo", KeyC: "comment", KeyD: "differences", KeyR: "raw", KeyJ: "down", KeyK: "up", Space: "down",
  };
  const inStage = { ask: Object.values(keys), done: ["undo"] };

  function scroll(direction) {
    document.querySelectorAll(".bs-pane").forEach((pane) => pane.scrollBy({ top: direction * pane.clientHeight * 0.8 }));
  }

  const typing = (el) => el && (el.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(el.tagName));

  function meaning(event) {
    if (event.key === "?") return "help";
    if (event.code === "Space" && event.shiftKey) return "up";
    if (event.shiftKey) return undefined;
    return keys[event.code];
  }

  document.addEventListener("keydown", (event) => {
    const state = document.body.dataset.state;
    if (!state || event.isComposing || event.keyCode === 229 || document.querySelector("dialog[open]")) return;
    if (typing(document.activeElement)) {
      if (event.key === "Escape") document.activeElement.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const what = meaning(event);
    const onControl = document.activeElement && document.activeElement.closest("button, summary, a");
    if (!what || (event.code === "Space" && onControl)) return;
    if (what !== "help" && !(inStage[state] || []).includes(what) && what !== "up") return;
    event.preventDefault();
    if (event.repeat && what !== "down" && what !== "up") return;
    actions[what]();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const what = button && (button.dataset.vote || button.dataset.act);
    if (!what || !actions[what]) return;
    // After a click with the mouse, Space must scroll again and not press this button a second time.
    if (event.detail > 0) button.blur();
    if (event.detail > 1) return; // the second half of a double click
    actions[what]();
  });

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "bs-welcome") return;
    event.preventDefault();
    send({ act: "sit", reviewer: by("bs-name").value });
  });

  document.addEventListener("input", (event) => { if (event.target.id === "bs-comment") draft.keep(false); });

  const pairText = () => Array.from(document.querySelectorAll(".bs-asked, .bs-source"), (el) => el.textContent).join("\u0000");

  function fillHeader(data) {
    by("bs-who").textContent = data.reviewer;
    by("bs-who").disabled = Boolean(data.fixed);
    by("bs-count").textContent = `${data.judged} / ${data.total}`;
    by("bs-progress").max = Math.max(1, Number(data.total));
    by("bs-progress").value = Number(data.judged);
    by("bs-undo").disabled = !data.undo;
    status(data.saved ? "Saved" : document.querySelector(".bs-stage > .bs-alarm") ? "Not saved" : "");
  }

  function settle() {
    const data = stage().dataset;
    const text = pairText();
    const same = data.keep && text === shown;
    document.body.dataset.state = data.state;
    marked = Boolean(data.marked);
    by("bs-marked").setAttribute("aria-pressed", String(marked));
    fillHeader(data);
    if (data.saved) draft.drop();
    const kept = draft.of(text);
    if (!same) by("bs-comment").value = data.comment || kept.comment || "";
    alarm(kept.lost && !turn ? BACK : "");
    if (text !== shown) {
      document.querySelectorAll(".bs-pane, .bs-prompt, .bs-panes").forEach((el) => el.scrollTo(0, 0));
      document.querySelectorAll(".bs-system").forEach((el) => { el.open = false; });
      // Of a conversation the last question is what is asked; the earlier turns are a scroll away.
      document.querySelectorAll(".bs-multi").forEach((el) => el.scrollTo(0, el.scrollHeight));
    }
    if (data.reviewer) { reviewer = data.reviewer; if (!data.fixed) remember(reviewer); }
    if (data.state === "welcome") { by("bs-name").value = recall(); by("bs-name").focus(); }
    [turn, shown, pending] = [data.turn, text, null];
  }

  function look() {
    const there = stage();
    if (!there || !by("bs-bar") || !there.dataset.turn || there.dataset.turn === turn) return;
    clearTimeout(timer);
    settle();
    requestAnimationFrame(() => requestAnimationFrame(() => lock(false)));
  }

  // A failed request is noticed at once; Gradio itself says nothing.
  const plainFetch = window.fetch;
  window.fetch = (...args) => plainFetch(...args).catch((error) => {
    if (error.name !== "AbortError" && turn) lose();
    throw error;
  });

  function keepBarHeight() {
    const bar = by("bs-bar");
    const set = () => document.documentElement.style.setProperty("--bs-bar", `${bar.offsetHeight}px`);
    new ResizeObserver(set).observe(bar);
  }

  reviewer = recall();
  window.blindside = { take };
  const observer = new MutationObserver(() => {
    if (by("bs-bar") && !by("bs-bar").dataset.watched) { by("bs-bar").dataset.watched = "yes"; keepBarHeight(); }
    look();
  });
  observer.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-turn"] });
})();
