// The judging page. The server decides everything: this sends what was pressed, with the nonce of the pair that is on the
// screen, and stays locked until the next showing is painted.
(() => {
  "use strict";
  const PATIENCE = 10000; // milliseconds until a silent server is called lost
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
    status(""); // so that a screen reader hears each "Saved"
    pending = { reviewer, nonce: turn, differences: marked, language: b.language, ...b.form.given(), ...action };
    clearTimeout(timer);
    timer = setTimeout(loseServer, PATIENCE);
    by("bs-send").click();
  }

  const vote = (choice) => () => send({ act: "vote", choice });
  b.actions = {
    left: vote("left"), right: vote("right"), tie: vote("tie"), both_bad: vote("both_bad"), up: vote("up"), down: vote("down"),
    skip: () => send({ act: "skip" }),
    undo: () => { if (stage().dataset.undo) send({ act: "undo" }); },
    recent: () => { by("bs-help").close(); send({ act: "recent" }); },
    edit: (button) => send({ act: "edit", edit: button.dataset.key }),
    leave: () => { if (stage().dataset.editing) send({ act: "leave" }); },
    form: () => b.form.enter(),
    comment: () => by("bs-comment") && by("bs-comment").focus(),
    help: () => by("bs-help").showModal(),
    raw: () => by("bs-raw").setAttribute("aria-pressed", String(document.body.classList.toggle("bs-raw"))),
    scroll_down: () => scroll(1),
    scroll_up: () => scroll(-1),
    differences: () => { if (by("bs-marked")) send({ act: "show", differences: !marked }); },
    rename: () => send({ act: "hello", reviewer: "" }),
    language() {
      b.switchLanguage();
      fillHeader(stage().dataset);
      typed = by("bs-name") ? by("bs-name").value : "";
      send(document.body.dataset.state === "welcome" ? { act: "hello", reviewer: "" } : { act: "show" });
    },
    login: () => location.reload(),
    logout: () => plainFetch("logout", { method: "POST" }).then(() => location.reload(), loseServer),
  };

  function scroll(direction) {
    document.querySelectorAll(".bs-pane").forEach((pane) => pane.scrollBy({ top: direction * pane.clientHeight * 0.8 }));
  }

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
    by("bs-who").disabled = Boolean(data.fixed);
    by("bs-count").textContent = data.practice ? b.t("practice_count", { k, n }) : `${k} / ${n}`;
    by("bs-progress").max = Math.max(1, Number(n));
    by("bs-progress").value = data.practice ? k - 1 : Number(k);
    by("bs-undo").disabled = !data.undo;
    status(data.saved ? b.t("saved") : data.alarm ? b.t("not_saved_short") : "");
  }

  function startAtTop() {
    document.querySelectorAll(".bs-pane, .bs-prompt, .bs-panes").forEach((el) => el.scrollTo(0, 0));
    document.querySelectorAll(".bs-system").forEach((el) => { el.open = false; });
    // Of a conversation the last question is what is asked; the earlier turns are a scroll away.
    document.querySelectorAll(".bs-multi").forEach((el) => el.scrollTo(0, el.scrollHeight));
  }

  function fillForm(data, text) {
    const kept = b.draft.of(text);
    const missing = document.querySelector(".bs-missing");
    if (missing) missing.scrollIntoView({ block: "nearest" });
    if (by("bs-comment")) by("bs-comment").ariaInvalid = String(data.alarm === "reason_missing");
    if (data.saved) b.draft.drop();
    b.form.reset();
    if (data.keep && text === shown) b.form.fill(pending ? { ...pending, comment: b.form.comment() } : {});
    else if (kept.comment || kept.lost) b.form.fill({ ...kept, comment: data.comment || kept.comment });
    else b.form.fill({ comment: data.comment || "" });
    alarm(kept.lost && !turn ? "back" : "");
  }

  function openList() {
    if (!by("bs-recent")) return;
    const format = new Intl.DateTimeFormat(b.locale(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    by("bs-recent").querySelectorAll("time").forEach((el) => { el.textContent = format.format(new Date(el.dateTime)); });
    by("bs-recent").showModal();
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
    if (fresh) startAtTop();
    if (data.reviewer) { reviewer = data.reviewer; if (!data.fixed) b.name.keep(reviewer); }
    if (by("bs-name")) by("bs-name").value = typed || b.name.kept();
    const first = document.querySelector("#bs-name, #bs-welcome .bs-win");
    if (first) first.focus();
    [turn, shown, pending] = [data.turn, text, null];
    openList();
    return fresh;
  }

  function look() {
    const there = stage();
    if (!there || !by("bs-bar") || !by("bs-top") || !there.dataset.turn || there.dataset.turn === turn) return;
    clearTimeout(timer);
    const fresh = settle();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      if (fresh) startAtTop(); // heights are known only now
      lock(false);
    }));
  }

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
    const body = JSON.parse(post[1].body);
    body.data = [JSON.stringify({ act: "leave", reviewer, nonce: turn }), null];
    plainFetch(post[0], { ...post[1], signal: undefined, body: JSON.stringify(body), keepalive: true }).catch(() => {});
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
