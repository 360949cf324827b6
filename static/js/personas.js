// A slider beside the number of the temperature. Without this file the number is typed.
"use strict";
(() => {
  const slider = document.querySelector("[data-temperature]");
  const number = slider && document.getElementById(slider.dataset.temperature);
  if (!number) return;
  const show = () => { if (number.value !== "" && number.validity.valid) slider.value = number.value; };
  show();
  slider.hidden = false;
  slider.addEventListener("input", () => { number.value = slider.value; });
  number.addEventListener("input", show);
})();
