// Keys, by their place on the keyboard. Dead while typing, on repeat, with modifiers, in an IME and under a dialog.
(() => {
  "use strict";
  const b = window.blindside;
  // Each verdict's button names its keys, as they are on an English keyboard: their places count.
  const codes = (key) => (/^[1-9]$/.test(key) ? [`Digit${key}`, `Numpad${key}`] : /^[a-z]$/.test(key) ? [`Key${key.toUpperCase()}`] : [key]);
  const verdict = (code) => Array.from(document.querySelectorAll(".bs-bar [data-vote]")).find((button) =>
    button.getAttribute("aria-keyshortcuts").split(" ").flatMap(codes).includes(code));
  const others = {
    KeyS: "skip", KeyU: "undo", Backspace: "undo", KeyE: "recent", KeyF: "form", KeyC: "comment", KeyD: "differences",
    KeyR: "raw", KeyL: "link", KeyP: "prompt", KeyG: "guide", KeyM: "flag", KeyH: "thinking", Home: "home", End: "end", Enter: "next", KeyJ: "scroll_down", KeyK: "scroll_up", Space: "scroll_down", Escape: "leave",
  };
  const whenDone = ["undo", "recent", "guide"];
  const scrolls = ["scroll_down", "scroll_up"];

  const writes = (el) => el && (el.isContentEditable || el.matches("textarea, select, input:not([type=radio], [type=checkbox])"));

  function meaning(event) {
    if (event.key === "?") return "help";
    if (event.code === "Space" && event.shiftKey) return "scroll_up";
    if (event.shiftKey) return undefined;
    const button = verdict(event.code);
    return button ? button.dataset.vote : others[event.code];
  }

  // In the list of one's own verdicts the arrows go up and down.
  function inDialog(event, dialog) {
    const step = { ArrowDown: 1, KeyJ: 1, ArrowUp: -1, KeyK: -1 }[event.code];
    const entries = Array.from(dialog.querySelectorAll(".bs-entry"));
    if (!step || !entries.length) return;
    event.preventDefault();
    const at = entries.indexOf(document.activeElement);
    entries[Math.min(Math.max(at + step, 0), entries.length - 1)].focus();
  }

  // In a question of the form digits choose, and arrows and Space do what they do in any form.
  function inForm(event) {
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    if (!digit && !["KeyF", "Escape", "Enter"].includes(event.code)) return;
    event.preventDefault();
    if (event.repeat) return;
    if (digit) b.form.choose(Number(digit[1]));
    else if (event.code === "KeyF") b.form.enter();
    else b.form.leave();
  }

  document.addEventListener("keydown", (event) => {
    const state = document.body.dataset.state;
    if (!state || event.isComposing || event.keyCode === 229) return;
    if (writes(document.activeElement)) {
      if (event.key === "Escape") document.activeElement.blur();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const dialog = document.querySelector("dialog[open]");
    if (dialog) { inDialog(event, dialog); return; }
    const what = meaning(event);
    if (b.form.group() && what !== "help") { inForm(event); return; }
    const onControl = document.activeElement && document.activeElement.closest("button, summary, a");
    if (!what || (["Space", "Enter"].includes(event.code) && onControl)) return;
    if (what !== "help" && state !== "ask" && !(state === "done" && whenDone.includes(what))) return;
    event.preventDefault();
    if (event.repeat && !scrolls.includes(what)) return;
    b.actions[what]();
  });
})();
