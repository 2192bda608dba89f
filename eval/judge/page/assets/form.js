// Criteria, tags and the comment: what is filled in beside the verdict. F goes from question to question, digits choose.
(() => {
  "use strict";
  const b = window.blindside;
  const field = () => document.getElementById("bs-comment");
  // Scales and comparisons first, then tags: what needs an answer is answered in one go.
  const groups = () => ["radio", "checkbox"].flatMap((kind) => Array.from(document.querySelectorAll(`.bs-stage .bs-${kind}-group`)));
  const boxes = (group) => Array.from(group.querySelectorAll("input"));
  const chosen = (group) => boxes(group).filter((box) => box.checked).map((box) => box.value);
  // Half a surrogate pair would not be JSON for the server.
  const whole = (text) => (text.toWellFormed ? text.toWellFormed() : text);

  b.form = {
    comment: () => (field() ? whole(field().value) : ""),
    given() {
      const [criteria, tags] = [{}, {}];
      for (const group of groups()) {
        const [name, values] = [group.dataset.name, chosen(group)];
        if (name.startsWith("tags.")) tags[name.slice(5)] = values;
        else if (values.length) criteria[name] = values[0];
      }
      return { comment: this.comment(), criteria, tags };
    },
    fill({ comment, criteria, tags }) {
      if (field() && comment !== undefined) field().value = comment;
      for (const group of criteria ? groups() : []) {
        const name = group.dataset.name;
        const values = name.startsWith("tags.") ? (tags || {})[name.slice(5)] || [] : [criteria[name]];
        for (const box of boxes(group)) box.checked = values.includes(box.value);
      }
    },
    // Gradio keeps what is the same in both showings, and with it what was ticked: the server's word counts.
    reset() { for (const box of groups().flatMap(boxes)) box.checked = box.defaultChecked; },
    // Whether something required is open, so that no verdict will be taken.
    lacks() {
      if (field() && field().required && !field().value.trim()) return true;
      return groups().some((group) => group.closest(".bs-row").querySelector(".bs-required") && !chosen(group).length);
    },
    group: () => document.activeElement && document.activeElement.closest(".bs-group"),
    enter(all = groups()) {
      const here = all.indexOf(this.group());
      const next = here < 0 ? all.find((group) => !chosen(group).length) || all[0] : all[here + 1];
      if (next) (boxes(next).find((box) => box.checked) || boxes(next)[0]).focus();
      else this.leave();
    },
    leave() { if (this.group()) document.activeElement.blur(); },
    // The k-th option of the group that has the focus; again, and it is taken back. After a scale comes the next one.
    choose(k) {
      const box = boxes(this.group())[k - 1];
      if (!box) return;
      box.checked = !box.checked;
      box.dispatchEvent(new Event("input", { bubbles: true }));
      if (box.type === "checkbox") box.focus();
      else if (box.checked) this.enter(groups().filter((group) => group.matches(".bs-radio-group")));
    },
  };

  // A click on what is chosen takes it back, as the key does; after a click the verdict keys work again at once.
  let before = null;
  document.addEventListener("pointerdown", (event) => {
    const option = event.target.closest(".bs-option");
    before = option && option.querySelector("input").checked ? option.querySelector("input") : null;
  });
  document.addEventListener("click", (event) => {
    const box = event.target;
    if (!box.matches(".bs-option input") || !event.isTrusted && event.detail === 0) return;
    if (box.type === "radio" && box === before) { box.checked = false; box.dispatchEvent(new Event("input", { bubbles: true })); }
    before = null;
    if (b.byPointer) box.blur();
  });
  document.addEventListener("pointerdown", () => { b.byPointer = true; }, true);
  document.addEventListener("keydown", () => { b.byPointer = false; }, true);
})();
