// The judging page. The server decides everything: this sends what was pressed, with the nonce of the pair that is on the
// screen, and stays locked until the next showing is painted.
(() => {
  "use strict";
  const PATIENCE = 10000; // milliseconds until a silent server is called lost
  const MISSING = ["criterion_missing", "reason_missing"];
  const b = window.blindside;
  const by = (id) => document.getElementById(id);
  const stage = () => document.querySelector(".bs-stage");

  let turn = "";        // nonce of the showing that is painted
  let shown = "";       // its texts, to tell whether the next showing is the same pair
  let locked = true;
  let pending = null;   // what the next event carries to the server
  let timer = 0;
  let reviewer = b.name.kept();
  let marked = false;   // whether differences are marked, on this pair and the next ones
  let typed = "";       // a name that is being typed while the language changes
  let post = null;      // the last request to the server, to give a pair back as the page closes

  // Gradio calls this when it sends the event of #bs-send.
  b.take = () => JSON.stringify(pending || { act: "hello", reviewer, language: b.language });

  const status = (text) => { if (by("bs-status").textContent !== text) by("bs-status").textContent = text; };
  const keepDraft = (lost) => b.draft.keep({ pair: shown, lost, ...b.form.given() });

  function alarm(key) {
    const [box, text] = [by("bs-lost"), by("bs-lost").querySelector("span")];
    if (key) [text.dataset.t, text.textContent] = [key, b.t(key)];
    box.querySelector("button").hidden = key !== "logged_out";
    box.hidden = !key;
  }

  function lose(key) {
    clearTimeout(timer);
    if (!by("bs-lost")) return;
    // What could not be saved comes back, with all that was given.
    if (b.ahead.back()) { shown = pairText(); b.form.fill({ comment: pending.comment }); b.reading.restore(); }
    keepDraft(Boolean(pending));
    alarm(key);
    if (pending) status(b.t("not_saved_short"));
    lock(false);
  }
  const loseServer = () => lose(pending ? "lost" : "lost_idle");

  function lock(on) {
    locked = on;
    document.querySelectorAll(".bs-bar button, .bs-stage button").forEach((one) => one.setAttribute("aria-disabled", String(on)));
  }

  function send(action) {
    if (locked) return;
    lock(true);
    b.reading.keep();
    status(""); // so that a screen reader hears each "Saved"
    pending = { reviewer, nonce: turn, differences: marked, language: b.language, ...b.form.given(), ...action };
    clearTimeout(timer);
    timer = setTimeout(loseServer, PATIENCE);
    by("bs-send").click();
    if (action.act === "vote" && !b.form.lacks() && b.ahead.show(turn, asked())) {
      shown = pairText();
      b.form.fill({ comment: stage().dataset.comment });
      fillMarks(stage().dataset);
      lock(true);
      b.reading.start();
      b.reading.refresh();
    }
  }

  const vote = (choice) => () => send({ act: "vote", choice });
  b.actions = {
    left: vote("left"), right: vote("right"), tie: vote("tie"), both_bad: vote("both_bad"), up: vote("up"), down: vote("down"),
    left_much: vote("left_much"), right_much: vote("right_much"),
    skip: () => send({ act: "skip" }),
    undo: () => { if (stage().dataset.undo) send({ act: "undo" }); },
    recent() { by("bs-help").close(); b.list.all(); send({ act: "recent" }); },
    edit: (button) => send({ act: "edit", edit: button.dataset.key }),
    leave: () => { if (stage().dataset.editing) send({ act: "leave" }); },
    form: () => b.form.enter(),
    comment: () => by("bs-comment") && by("bs-comment").focus(),
    help: () => by("bs-help").showModal(),
    guide() { by("bs-help").close(); by("bs-guide").showModal(); by("bs-guide").scrollTop = 0; },
    next: () => { if (stage().dataset.feedback) send({ act: "skip" }); },
    flag(button) {
      const edit = (button && button.dataset.key) || "";
      b.list.keep(edit);
      send({ act: "flag", edit });
    },
    only: () => b.list.only(),
    flags() { b.list.all(); b.list.only(true); send({ act: "recent" }); },
    raw: () => by("bs-raw").setAttribute("aria-pressed", String(document.body.classList.toggle("bs-raw"))),
    scroll_down: () => b.reading.down(),
    scroll_up: () => b.reading.up(),
    home: () => b.reading.home(),
    end: () => b.reading.end(),
    link: () => b.reading.link(),
    prompt: () => b.reading.turnPrompt(),
    thinking: () => b.reading.turnThoughts(),
    differences: () => { if (by("bs-marked")) send({ act: "show", differences: !marked }); },
    rename() { by("bs-help").close(); send({ act: "hello", reviewer: "" }); },
    language() {
      b.switchLanguage();
      fillHeader(stage().dataset);
      typed = by("bs-name") ? by("bs-name").value : "";
      send(document.body.dataset.state === "welcome" ? { act: "hello", reviewer: "" } : { act: "show" });
    },
    login: () => location.reload(),
    logout: () => plainFetch("logout", { method: "POST" }).then(() => location.reload(), loseServer),
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    const what = button && (button.dataset.vote || button.dataset.act);
    if (!what || !b.actions[what]) return;
    // After a click with the mouse, Space must scroll again and not press this button a second time.
    if (event.detail > 0) button.blur();
    if (event.detail > 1) return; // the second half of a double click
    b.actions[what](button);
  });

  document.addEventListener("submit", (event) => {
    if (event.target.id !== "bs-welcome") return;
    event.preventDefault();
    send({ act: "sit", reviewer: by("bs-name") ? by("bs-name").value : reviewer });
  });

  document.addEventListener("input", (event) => { if (event.target.closest("#bs-comment, .bs-group")) keepDraft(false); });

  const pairText = () => Array.from(document.querySelectorAll(".bs-asked, .bs-source"), (el) => el.textContent).join("\u0000");

  function fillHeader(data) {
    const [k, n] = [data.practice || data.judged, data.practice ? data.practices : data.total];
    by("bs-who").textContent = data.reviewer;
    document.querySelectorAll("[data-act=rename]").forEach((el) => { el.disabled = Boolean(data.fixed); });
    by("bs-count").textContent = data.practice ? b.t("practice_count", { k, n }) : `${k} / ${n}`;
    by("bs-progress").max = Math.max(1, Number(n));
    by("bs-progress").value = data.practice ? k - 1 : Number(k);
    by("bs-undo").disabled = !data.undo;
    by("bs-pace").textContent = data.practice ? "" : pace(Number(data.pace), n - k);
    by("bs-you").textContent = [data.reviewer, by("bs-count").textContent, by("bs-pace").textContent].filter(Boolean).join(" · ");
    fillMarks(data);
    status(data.saved ? b.t("saved") : MISSING.includes(data.alarm) ? b.t("answer_missing") : data.alarm ? b.t("not_saved_short") : "");
  }

  function fillMarks(data) {
    by("bs-flag").setAttribute("aria-pressed", String(Boolean(data.flagged)));
    document.querySelectorAll("[data-vote]").forEach((el) => el.classList.toggle("bs-was", el.dataset.vote === data.earlier));
  }

  // Median seconds of a pair, and what is left by that.
  function pace(seconds, left) {
    if (!seconds || left <= 0) return "";
    const minutes = Math.max(1, Math.round((seconds * left) / 60));
    const time = minutes < 100 ? b.t("minutes_left", { n: minutes }) : b.t("hours_left", { n: Math.round(minutes / 60) });
    return b.t("pace", { s: Math.max(1, Math.round(seconds)), time });
  }

  function fillForm(data, text) {
    const kept = b.draft.of(text);
    if (by("bs-comment")) by("bs-comment").ariaInvalid = String(data.alarm === "reason_missing");
    // The pair was there already, and may have been written on meanwhile.
    if (b.ahead.shown() && text === shown) { if (data.saved && !kept.pair) b.draft.drop(); alarm(""); return; }
    if (data.saved) b.draft.drop();
    b.form.reset();
    if (data.keep && text === shown) b.form.fill(pending ? { ...pending, comment: b.form.comment() } : {});
    else if (kept.comment || kept.lost) b.form.fill({ ...kept, comment: data.comment || kept.comment });
    else b.form.fill({ comment: data.comment || "" });
    alarm(kept.lost && !turn ? "back" : "");
  }

  function settle() {
    const data = stage().dataset;
    const text = pairText();
    document.body.dataset.state = data.state;
    marked = Boolean(data.marked);
    if (by("bs-marked")) by("bs-marked").setAttribute("aria-pressed", String(marked));
    fillHeader(data);
    fillForm(data, text);
    const fresh = text !== shown;
    if (fresh) b.reading.start();
    if (data.reviewer) { reviewer = data.reviewer; if (!data.fixed) b.name.keep(reviewer); }
    if (by("bs-name")) by("bs-name").value = typed || b.name.kept();
    const first = document.querySelector("#bs-name, #bs-welcome .bs-win");
    if (first) first.focus({ preventScroll: true }); // the card is read from its beginning
    [turn, shown, pending] = [data.turn, text, null];
    b.ahead.settle();
    b.list.open();
    return fresh;
  }

  function look() {
    const there = stage();
    const whole = there && by("bs-bar") && by("bs-top") && by("bs-send");
    if (!whole || !there.dataset.turn || there.dataset.turn === turn) return;
    b.loaded();
    clearTimeout(timer);
    if (b.ahead.shown()) b.reading.keep();
    const fresh = settle();
    b.copied();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (fresh) b.reading.start(); // heights are known only now
      else b.reading.restore();
      b.reading.refresh();
      lock(false);
      askAhead();
    }));
  }

  // What the pair that comes next is made for; it is asked for once this one is painted.
  const asked = () => ({ reviewer, differences: marked, language: b.language });
  function askAhead() {
    if (!post || stage().dataset.state !== "ask" || stage().dataset.editing || stage().dataset.practice) return;
    b.ahead.ask(turn, asked(), (action) => plainFetch(post[0], request(action)));
  }
  const request = (action) =>
    ({ ...post[1], signal: undefined, body: JSON.stringify({ ...JSON.parse(post[1].body), data: [JSON.stringify(action), null] }) });

  // A failed request and a login that is gone are noticed at once; Gradio itself says nothing.
  const plainFetch = window.fetch;
  window.fetch = async (...args) => {
    if (typeof args[1]?.body === "string" && args[1].body.includes("fn_index")) post = args;
    try {
      const answer = await plainFetch(...args);
      if (answer.status === 401 && turn) lose("logged_out");
      return answer;
    } catch (error) {
      if (error.name !== "AbortError" && turn) loseServer();
      throw error;
    }
  };

  // The pair on a page that closes goes back to the others.
  window.addEventListener("pagehide", () => {
    if (!post || pending || document.body.dataset.state !== "ask") return;
    plainFetch(post[0], { ...request({ act: "leave", reviewer, nonce: turn }), keepalive: true }).catch(() => {});
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  function prepare() {
    const bar = by("bs-bar");
    const set = () => document.documentElement.style.setProperty("--bs-bar", `${bar.offsetHeight}px`);
    new ResizeObserver(set).observe(bar);
    b.relabel();
  }

  const observer = new MutationObserver(() => {
    if (by("bs-bar") && by("bs-top") && !by("bs-bar").dataset.watched) { by("bs-bar").dataset.watched = "yes"; prepare(); }
    look();
  });
  observer.observe(document, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-turn"] });
})();
