"use strict";
// Swagger UI, in this site's colours and with what its own markup lacks for who cannot see it.
{
  const home = document.getElementById("swagger-ui");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  const isChange = (method) => !["GET", "HEAD", "OPTIONS"].includes((method || "GET").toUpperCase());
  const token = () => document.cookie.split("; ").find((each) => each.startsWith("csrftoken="))?.slice("csrftoken=".length);
  const labels = [
    ["select.examples-select-element", "Example"],
    [".parameters select", "Value"],
    [".parameters input", "Value"],
    [".body-param__text", "Body"],
  ];

  // Its selects and text areas have no names, and what it lets scroll cannot be reached by a keyboard.
  const name = () => {
    for (const [selector, label] of labels) {
      for (const control of home.querySelectorAll(`${selector}:not([aria-label])`)) {
        const row = control.closest("tr[data-param-name]");
        control.setAttribute("aria-label", row ? row.dataset.paramName : label);
      }
    }
    for (const block of home.querySelectorAll("pre:not([tabindex])")) {
      block.tabIndex = 0;
    }
  };

  follow();
  dark.addEventListener("change", follow);
  new MutationObserver(name).observe(home, { childList: true, subtree: true });
  window.SwaggerUIBundle({
    url: home.dataset.schema,
    domNode: home,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    deepLinking: false, // its links stand inside buttons, where no keyboard and no screen reader gets at them
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    syntaxHighlight: false, // its colours are written into the elements, too faint in both schemes
    validatorUrl: null,
    requestInterceptor(request) {
      const csrf = token();
      if (csrf && isChange(request.method) && new URL(request.url, location.href).origin === location.origin) {
        request.headers["X-CSRFToken"] = csrf;
      }
      return request;
    },
    onComplete() {
      home.classList.add("ready");
    },
  });
}
