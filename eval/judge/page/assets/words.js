// The reader's language: by choice, or else by the browser. What the server rendered in English is put into it here.
(() => {
  "use strict";
  const KEY = "blindside.language";
  const b = window.blindside;
  const TAGS = { en: "en", zh: "zh-CN" };

  const chosen = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const spoken = () => (navigator.languages || [navigator.language]).map((tag) => tag.slice(0, 2).toLowerCase());

  b.language = [chosen(), ...spoken(), "en"].find((language) => language in b.strings);
  b.locale = () => (navigator.language.toLowerCase().startsWith(b.language) ? navigator.language : TAGS[b.language]);
  b.t = (key, values = {}) => b.strings[b.language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

  b.relabel = () => {
    document.documentElement.lang = TAGS[b.language];
    document.querySelectorAll("[data-t]").forEach((el) => { el.textContent = b.t(el.dataset.t); });
    document.querySelectorAll("[data-t-title]").forEach((el) => { el.title = b.t(el.dataset.tTitle); });
    document.querySelectorAll("[data-t-label]").forEach((el) => { el.ariaLabel = b.t(el.dataset.tLabel); });
    document.querySelectorAll("[data-t-placeholder]").forEach((el) => { el.placeholder = b.t(el.dataset.tPlaceholder); });
    document.querySelectorAll('[data-t="other_language"]').forEach((el) => { el.lang = b.language === "en" ? "zh" : "en"; });
  };

  b.switchLanguage = () => {
    b.language = b.language === "en" ? "zh" : "en";
    try { localStorage.setItem(KEY, b.language); } catch { /* private window */ }
    b.relabel();
  };
})();
