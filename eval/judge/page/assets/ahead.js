// The next pair is fetched while this one is read, and shown at once after a verdict. It has no nonce: nothing can be judged
// on it before the server says that the verdict is saved, and says again which pair is next. That answer counts.
(() => {
  "use strict";
  const b = window.blindside;
  const stage = () => document.querySelector(".bs-stage");
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const idle = window.requestIdleCallback || ((work) => setTimeout(work, 50));

  let ready = null;  // { turn, made, node }: what comes after the showing `turn`, made for these settings
  let before = null; // the stage that was judged, as long as the verdict is not saved

  function keep(turn, made, html) {
    const box = document.createElement("template");
    box.innerHTML = html;
    const node = box.content.querySelector(".bs-stage");
    if (node && node.dataset.state === "ask" && !node.dataset.turn) set({ turn, made, node });
  }

  function set(value) {
    ready = value;
    document.body.dataset.ahead = value ? "ready" : "";
  }

  b.ahead = {
    // A failure does no harm: the pair then comes with the answer to the verdict.
    ask(turn, made, post) {
      set(null);
      idle(async () => {
        try {
          const answer = await post({ act: "ahead", nonce: turn, ...made });
          if (answer.ok) keep(turn, made, (await answer.json()).data[0]);
        } catch { /* offline */ }
      }, { timeout: 1000 });
    },
    show(turn, made) {
      if (!ready || ready.turn !== turn || !same(ready.made, made)) return false;
      before = stage();
      before.replaceWith(ready.node);
      set(null);
      return true;
    },
    shown: () => Boolean(before),
    back() {
      if (!before) return false;
      stage().replaceWith(before);
      before = null;
      return true;
    },
    settle() { before = null; },
  };
})();
