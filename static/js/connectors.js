// What people unfolded stays open, and what has ended is announced, when a card comes anew. Without this file the page
// works by links and forms.
"use strict";
(() => {
  const announcements = document.getElementById("announcements");

  document.addEventListener("htmx:beforeSwap", (event) => {
    const open = [...event.detail.target.querySelectorAll("details[open]")].map((details) => details.id);
    if (!open.length) return;
    document.addEventListener("htmx:afterSwap", () => {
      for (const id of open) {
        const details = document.getElementById(id);
        if (details) details.open = true;
      }
    }, { once: true });
  });

  htmx.onLoad((element) => {
    if (element.dataset.ended) announcements.textContent = element.dataset.ended;
  });

  // Another tab ended the job, or signed somebody else in: what is on this page is not so any more.
  document.addEventListener("htmx:responseError", (event) => {
    if (event.detail.xhr.status === 404) location.reload();
  });
})();
