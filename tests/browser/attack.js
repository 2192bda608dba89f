// Every way in which a page may talk to another site: what it got out of it, and "" where that was nothing.
async (target) => {
  const action = (act, more) => JSON.stringify(
    {
      data: [JSON.stringify({ act, reviewer: "Mallory", choice: "left", ...more }), null],
      fn_index: 0,
      session_hash: "abc",
    });
  const predict = target + "/gradio_api/run/predict";
  const got = {};
  const attempt = async (name, how) => { try { got[name] = String(await how()); } catch { got[name] = ""; } };
  const text = async (answer) => (await answer).text();
  for (const credentials of ["include", "omit"])
    for (const kind of ["application/json", "text/plain"])
      await attempt(`vote ${credentials} ${kind}`, async () => {
        const post = (act, more) =>
          text(fetch(predict, { method: "POST", credentials, headers: { "content-type": kind }, body: action(act, more) }));
        await post("sit");
        const nonce = /data-turn=\\?"([^"\\]+)/.exec(await post("hello"))[1];
        return post("vote", { nonce });
      });
  for (const kind of ["text/plain", "application/json"])
    await attempt(`blind ${kind}`, async () => {
      for (const act of ["sit", "hello", "vote", "skip"])
        await fetch(predict, { method: "POST", mode: "no-cors", credentials: "include",
                               headers: { "content-type": kind }, body: action(act) });
      return "";
    });
  navigator.sendBeacon(predict, action("sit"));
  for (const path of ["/", "/config", "/theme.css", "/gradio_api/token", "/gradio_api/app_id", "/gradio_api/info"])
    await attempt(`read ${path}`, () => text(fetch(target + path, { credentials: "include" })));
  const form = (path, fields, kind) => new Promise((done) => {
    const frame = Object.assign(document.createElement("iframe"), { name: `frame${Math.random()}` });
    const box = Object.assign(document.createElement("form"), { method: "POST", action: target + path, target: frame.name });
    box.enctype = kind;
    for (const [name, value] of Object.entries(fields))
      box.append(Object.assign(document.createElement("input"), { name, value }));
    document.body.append(frame, box);
    frame.addEventListener("load", () => done(""));
    setTimeout(() => done(""), 3000);
    box.submit();
  });
  await form("/gradio_api/run/predict", { [action("sit").slice(0, -1) + ', "x": "']: '"}' }, "text/plain");
  await form("/logout", {}, "application/x-www-form-urlencoded");
  await form("/login", { username: "Ana", password: "guess" }, "application/x-www-form-urlencoded");
  await attempt("frame", () => new Promise((done) => {
    const frame = Object.assign(document.createElement("iframe"), { src: target + "/", id: "victim" });
    frame.addEventListener("load", () => { try { done(frame.contentDocument ? frame.contentDocument.title : ""); } catch { done(""); } });
    document.body.append(frame);
    setTimeout(() => done(""), 3000);
  }));
  const socket = (url) => new Promise((done) => {
    const one = new WebSocket(url);
    one.onopen = () => done("open");
    one.onerror = () => done("");
  });
  for (const path of ["/", "/gradio_api/queue/join", "/gradio_api/run/predict"])
    await attempt(`socket ${path}`, () => socket(target.replace("http", "ws") + path));
  await attempt("stream", () => new Promise((done) => {
    const source = new EventSource(target + "/gradio_api/heartbeat/abc", { withCredentials: true });
    source.onmessage = (event) => done(event.data);
    source.onerror = () => done("");
  }));
  await attempt("image", () => new Promise((done) => {
    const image = new Image();
    image.onload = () => done("loaded");
    image.onerror = () => done("");
    image.src = target + "/favicon.ico";
  }));
  await attempt("script", () => new Promise((done) => {
    const script = document.createElement("script");
    script.onload = () => done("loaded");
    script.onerror = () => done("");
    script.src = target + "/static/js/iframeResizer.contentWindow.min.js";
    document.head.append(script);
  }));
  await attempt("window", async () => {
    const other = open(target + "/");
    for (let i = 0; i < 20; i++) {
      await new Promise((done) => setTimeout(done, 100));
      try { if (other.document.querySelector(".bs-stage")) return other.document.body.innerText; } catch { /* not ours */ }
    }
    return "";
  });
  return got;
}
