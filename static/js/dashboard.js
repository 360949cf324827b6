// Keeps the cards up to date while the page is looked at, the address and the links true to what is shown, and the
// place search at hand for the keyboard. Everything here is an extra: without it the page works by links and forms.
"use strict";
(() => {
  const EVERY = 60_000; // between two refreshes of a card that is looked at
  const SOON = 2_500; // for a card whose newer answer is on its way
  const PARTS = ["place", "units", "category"];

  const byId = (id) => document.getElementById(id);
  const cards = () => [...document.querySelectorAll("[data-card]")];
  const partsOf = (card) => PARTS.filter((part) => part in card.dataset);

  const shown = {}; // the choice on screen
  const states = {}; // of each card, by id
  let asked = null; // the id of the card that the visitor, not the clock, asked for
  let fromSearch = false;
  let moreIsOpen = false; // a refresh must not fold away what the visitor unfolded
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
      address.search = new URLSearchParams(shown);
      if (changed.includes("place")) history.pushState(null, "", address);
      else history.replaceState(null, "", address);
    }
    for (const link of document.querySelectorAll("a[data-also]")) {
      const address = new URL(link.href);
      for (const part of link.dataset.also.split(" ")) if (part in shown) address.searchParams.set(part, shown[part]);
      link.href = address;
    }
    for (const part of PARTS) {
      const field = document.querySelector(`#search input[name=${part}]`);
      if (field && part in shown) field.value = shown[part];
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
    const more = card.querySelector("details");
    if (more) {
      more.open = moreIsOpen;
      more.addEventListener("toggle", () => { moreIsOpen = more.open; });
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
