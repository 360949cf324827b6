// Asks for the page's changing part every five seconds while the page is looked at, and puts what changed into it: what
// is focused, unfolded, scrolled or selected stays so. Without this the page is as of when it was loaded.
"use strict";
(() => {
  const EVERY = 5_000;
  const KEY = "cache-pages-paused";
  const byId = (id) => document.getElementById(id);
  const live = byId("live");
  const control = byId("live-control");
  const button = byId("live-button");

  let state = ""; // live, paused, trouble (asks again), stopped (does not)
  let asked = Date.now();

  function remember(paused) {
    try {
      if (paused) sessionStorage.setItem(KEY, "1");
      else sessionStorage.removeItem(KEY);
    } catch { /* storage may be forbidden */ }
  }

  function wasPaused() {
    try { return sessionStorage.getItem(KEY) === "1"; } catch { return false; }
  }

  function become(next, text = "") {
    if (state === next && byId("live-text").textContent === text) return;
    state = next;
    control.dataset.state = next;
    byId("live-text").textContent = text;
    button.textContent = next === "paused" ? "Resume" : "Pause";
    button.hidden = next === "stopped";
    byId("live-reload").hidden = next !== "stopped";
  }

  function isReading() {
    const selection = getSelection();
    return Boolean(selection && !selection.isCollapsed && live.contains(selection.anchorNode));
  }

  function refused(status) {
    if (status === 401) become("stopped", "You are signed out.");
    else if (status === 403) become("stopped", "You may not see this any more.");
    else if (state !== "paused") become("trouble", "The site has trouble answering; still trying.");
  }

  function ask() {
    asked = Date.now();
    htmx.trigger(live, "refresh");
  }

  function tick() {
    if (state === "paused" || state === "stopped" || document.hidden || isReading()) return;
    if (Date.now() - asked >= EVERY && !live.matches(".htmx-request")) ask();
  }

  // What the page's own scripts and its reader have made of it is not the server's to undo.
  Object.assign(Idiomorph.defaults.callbacks, {
    beforeNodeMorphed: (old) => !(old.nodeType === Node.ELEMENT_NODE && "keep" in old.dataset),
    beforeAttributeUpdated: (name, node) => !(name === "open" && node.matches("details")),
  });

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (isReading()) detail.shouldSwap = false;
    if (detail.xhr.status === 200) return;
    detail.shouldSwap = detail.isError = false; // it is told here, rather than on the console
    refused(detail.xhr.status);
  });

  document.addEventListener("htmx:afterSwap", () => {
    if (state !== "paused") become("live", "");
    byId("live-time").textContent = byId("as-of").textContent;
    document.dispatchEvent(new Event("cache:updated"));
  });

  for (const kind of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(kind, () => {
      if (state !== "paused") become("trouble", "The site cannot be reached; still trying.");
    });
  }

  button.addEventListener("click", () => {
    const paused = state !== "paused";
    remember(paused);
    become(paused ? "paused" : "live", paused ? "Paused" : "");
    if (paused) htmx.trigger(live, "htmx:abort");
    else ask();
  });

  document.addEventListener("visibilitychange", tick);
  become(wasPaused() ? "paused" : "live", wasPaused() ? "Paused" : "");
  setInterval(tick, 500);
})();
