// Keeps the cards up to date while the page is looked at, the address and the links true to what is shown, and the
// place search at hand for the keyboard. Everything here is an extra: without it the page works by links and forms.
"use strict";
(() => {
  const EVERY = 60_000; // between two refreshes of a card that is looked at
  const SOON = 2_500; // for a card whose newer answer is on its way
  const PARTS = ["place", "units", "category", "words"];
  const PAGES = ["place", "words"]; // what the browser's way back leads through

  const byId = (id) => document.getElementById(id);
  const cards = () => [...document.querySelectorAll("[data-card]")];
  const partsOf = (card) => PARTS.filter((part) => part in card.dataset);

  const shown = {}; // the choice on screen
  const states = {}; // of each card, by id
  let asked = null; // the id of the card that the visitor, not the clock, asked for
  let fromSearch = false;
  const unfolded = new Set(); // ids of details: a refresh must not fold away what the visitor unfolded
  let refreshed = Date.now();

  function announce(text) {
    byId("announcements").textContent = text;
  }

  // Refreshing

  function isBusy(card) {
    const selection = getSelection();
    const reading = selection && !selection.isCollapsed && card.contains(selection.anchorNode);
    return reading || card.matches(".htmx-request") || card.querySelector(".htmx-request");
  }

  function refresh(card) {
    if (card && card.isConnected && !document.hidden && !isBusy(card)) htmx.trigger(card, "refresh");
  }

  function refreshAll() {
    if (document.hidden || Date.now() - refreshed < EVERY) return;
    refreshed = Date.now();
    cards().forEach(refresh);
  }

  // What is shown, in the address and in the links

  function followChoice(card) {
    const parts = partsOf(card);
    const changed = parts.filter((part) => part in shown && shown[part] !== card.dataset[part]);
    for (const part of parts) shown[part] = card.dataset[part];
    if (changed.length) {
      const address = new URL(location.href);
      address.search = new URLSearchParams(Object.entries(shown).filter(([, value]) => value));
      if (changed.some((part) => PAGES.includes(part))) history.pushState(null, "", address);
      else history.replaceState(null, "", address);
    }
    for (const link of document.querySelectorAll("a[data-also]")) {
      const address = new URL(link.href);
      for (const part of link.dataset.also.split(" ")) {
        if (shown[part]) address.searchParams.set(part, shown[part]);
        else if (part in shown) address.searchParams.delete(part);
      }
      link.href = address;
    }
    for (const field of document.querySelectorAll("form[role=search] input[type=hidden]")) {
      if (field.name in shown) field.value = shown[field.name];
    }
  }

  function cardArrived(card) {
    const before = states[card.id];
    states[card.id] = card.dataset.state;
    followChoice(card);
    if (asked === card.id || (before && before !== card.dataset.state)) announce(card.dataset.summary);
    if (asked === card.id && fromSearch) {
      fromSearch = false;
      card.querySelector("h2").focus({ preventScroll: true });
      if (card.getBoundingClientRect().top < 0) card.scrollIntoView();
    }
    if (asked === card.id) asked = null;
    for (const more of card.querySelectorAll("details")) {
      more.open = unfolded.has(more.id);
      more.addEventListener("toggle", () => { if (more.open) unfolded.add(more.id); else unfolded.delete(more.id); });
    }
    if ("soon" in card.dataset) setTimeout(() => refresh(byId(card.id)), SOON);
  }

  // The place search

  const search = byId("search");
  const field = byId("q");
  const places = byId("places");
  const suggestions = () => [...places.querySelectorAll("a")];

  function closePlaces() {
    htmx.trigger(field, "htmx:abort");
    places.replaceChildren();
  }

  function moveAmongPlaces(event) {
    const list = suggestions();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !list.length) return;
    event.preventDefault();
    const next = list.indexOf(document.activeElement) + step;
    (list[next] || (next < 0 ? field : list.at(-1))).focus();
  }

  search.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return moveAmongPlaces(event);
    if (suggestions().length) event.preventDefault();
    field.focus();
    closePlaces();
  });

  search.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !search.contains(event.relatedTarget)) closePlaces();
  });

  document.addEventListener("pointerdown", (event) => {
    if (!search.contains(event.target)) closePlaces();
  });

  search.addEventListener("submit", (event) => {
    const list = places.querySelector("[data-for]");
    const first = list && list.dataset.for === field.value.trim() && list.querySelector("a");
    if (!first) return;
    event.preventDefault();
    first.click();
  });

  // htmx

  document.addEventListener("htmx:beforeRequest", (event) => {
    const source = event.detail.elt;
    const target = event.detail.target;
    if (!target.matches("[data-card]")) return;
    if (source !== target) asked = target.id;
    if (places.contains(source)) {
      fromSearch = true;
      // After htmx has sent the request: removing its source before that would stop it.
      setTimeout(() => {
        field.value = "";
        closePlaces();
      });
    }
  });

  // A card that has content keeps it when there is nothing newer: marked as the last good answer, with the reason.
  // What was asked for and is something else, or is refused, is shown as it is.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, xhr } = event.detail;
    if (!target.matches("[data-card]")) return;
    if (xhr.status === 429) event.detail.shouldSwap = asked === target.id;
    if (xhr.status !== 200) return;
    const answer = new DOMParser().parseFromString(event.detail.serverResponse, "text/html");
    const card = answer.querySelector("[data-card]");
    if (!card || card.dataset.state !== "error" || ["error", "late"].includes(target.dataset.state)) return;
    if (PARTS.some((part) => card.dataset[part] !== target.dataset[part])) return;
    event.detail.shouldSwap = false;
    target.dataset.state = states[target.id] = "stale";
    target.querySelector(".status-label").textContent = "Last good answer";
    if (asked === target.id) announce(card.dataset.summary);
    asked = null;
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const answered = event.detail.xhr.status > 0;
    const failed = event.detail.xhr.status >= 500;
    if (answered) byId("connection").hidden = !failed;
  });

  document.addEventListener("htmx:sendError", () => { byId("connection").hidden = false; });
  document.addEventListener("htmx:timeout", () => { byId("connection").hidden = false; });

  htmx.onLoad((element) => {
    if (element.matches("[data-card]")) return cardArrived(element);
    if (element.matches("[data-announce]")) announce(element.textContent);
  });

  addEventListener("popstate", () => location.reload());
  document.addEventListener("visibilitychange", refreshAll);
  setInterval(refreshAll, EVERY / 4);
  cards().forEach(cardArrived);
})();
