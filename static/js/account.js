// The button that copies a new key. Without this file the key is selected by hand.
"use strict";
(() => {
  const button = document.querySelector("[data-copy]");
  const said = document.querySelector("[data-copied]");
  if (!button || !navigator.clipboard) return; // browsers offer it to secure pages only
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      said.textContent = "Copied. Paste it where you keep secrets.";
    } catch {
      said.textContent = "The browser did not allow copying. Select the key and copy it by hand.";
    }
  });
})();
