// Uploads that show how far they are: several files, one after the other, also dropped onto the panel. Without this file
// the form sends one file, and the page says what became of it.
"use strict";
(() => {
  const form = document.querySelector("[data-upload]");
  const list = document.querySelector("[data-files]");
  const template = document.getElementById("file-template");
  const said = document.querySelector("[data-said]");
  if (!form || !list || !template) return;

  const input = form.querySelector("input[type=file]");
  const suffixes = form.dataset.suffixes.split(" ");
  const largest = Number(form.dataset.largest);
  const WORDS = { waiting: "Waiting", sending: "Uploading", kept: "Kept", refused: "Refused", failed: "Failed" };
  const LOOKS = { kept: "badge-good", refused: "badge-bad", failed: "badge-warn" };
  const queue = [];
  const told = [];
  let busy = false;

  form.dataset.ready = "";
  input.multiple = true;
  form.querySelector("[data-label]").textContent = "Drop .txt or .md files here, or choose them";
  form.querySelector("[data-submit]").hidden = true;

  class Item {
    constructor(file) {
      this.file = file;
      this.element = template.content.firstElementChild.cloneNode(true);
      this.find(".file-name").textContent = file.name;
      this.find(".file-size").textContent = sizeWords(file.size);
      this.progress = this.find(".file-progress");
      this.progress.setAttribute("aria-label", `Upload of ${file.name}`);
      this.again = this.find("[data-again]");
      this.drop = this.find("[data-drop]");
      this.again.addEventListener("click", () => { this.element.focus(); this.wait(); });
      this.drop.addEventListener("click", () => this.cancel());
      list.append(this.element);
      list.hidden = false;
    }

    find(what) { return this.element.querySelector(what); }

    show(state, note = "") {
      this.state = state;
      this.element.dataset.state = state;
      const badge = this.find(".file-state");
      badge.textContent = WORDS[state];
      badge.className = `badge file-state ${LOOKS[state] ?? ""}`;
      this.note(note);
      this.progress.hidden = state !== "sending";
      this.again.hidden = state !== "failed";
      this.drop.hidden = state !== "waiting";
      if (note && state !== "waiting") tell(`${this.file.name}: ${note}`);
    }

    note(text) {
      const note = this.find(".file-note");
      note.textContent = text;
      note.hidden = !text;
    }

    wait() {
      this.show("waiting");
      queue.push(this);
      work();
    }

    cancel() {
      queue.splice(0, queue.length, ...queue.filter((each) => each !== this));
      this.state = "cancelled";
      this.stopWaiting?.();
      this.element.remove();
      list.hidden = !list.childElementCount;
      input.focus();
    }
  }

  function wrongWith(file) {
    if (!suffixes.some((suffix) => file.name.toLowerCase().endsWith(suffix))) {
      return `Only ${suffixes.join(" and ")} files can be added.`;
    }
    if (!file.size) return "The file is empty.";
    return file.size > largest ? `A document may have ${form.dataset.largestWords} at most.` : "";
  }

  function add(files) {
    for (const file of files) {
      const item = new Item(file);
      const wrong = wrongWith(file);
      if (wrong) item.show("refused", wrong);
      else item.wait();
    }
  }

  async function work() {
    if (busy) return;
    busy = true;
    while (queue.length) await upload(queue.shift());
    busy = false;
  }

  // Until the file is kept or refused, or a person has to say how to go on.
  async function upload(item) {
    while (item.state === "waiting") {
      item.show("sending");
      const answer = await send(item);
      if (answer.status === 201) {
        item.show("kept");
        tell(`${item.file.name} is kept.`);
        await refresh();
      } else if (answer.status === 429) {
        await countDown(item, answer.retryAfter);
      } else if (answer.status === 401 || answer.status === 403) {
        item.show("refused", "You are not signed in here any more. Load this page anew, and add the file again.");
      } else if (answer.status >= 400 && answer.status < 500) {
        item.show("refused", reason(answer.problem));
      } else {
        const lost = "The connection was lost. It may be kept already: look below before you try again.";
        item.show("failed", answer.status ? reason(answer.problem) : lost);
        await refresh();
      }
    }
  }

  function send(item) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const ended = () => resolve({
        status: request.status,
        problem: parsed(request.responseText),
        retryAfter: Number(request.getResponseHeader("Retry-After")) || 5,
      });
      request.open("POST", form.dataset.upload);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
      request.timeout = 120000;
      item.progress.value = 0;
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) item.progress.value = Math.round((100 * event.loaded) / event.total);
      });
      for (const name of ["load", "error", "abort", "timeout"]) request.addEventListener(name, ended);
      const body = new FormData();
      body.append("file", item.file);
      request.send(body);
    });
  }

  // The limit counts uploads; when there is room again, the file goes on by itself.
  function countDown(item, seconds) {
    item.show("waiting");
    tell(`Too many uploads. ${item.file.name} goes on in ${seconds} second${seconds === 1 ? "" : "s"}.`);
    const until = performance.now() + seconds * 1000;
    return new Promise((resolve) => {
      const tick = () => {
        const left = Math.ceil((until - performance.now()) / 1000);
        item.note(`Too many uploads in a minute. It goes on by itself in ${left} s.`);
        if (left <= 0) item.stopWaiting();
      };
      const clock = setInterval(tick, 1000);
      item.stopWaiting = () => { clearInterval(clock); resolve(); };
      tick();
    });
  }

  // The server's own page again: what it says of quota and list is right, whoever else adds or deletes.
  async function refresh() {
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { Accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("documents");
      if (fresh) replace(document.getElementById("documents"), document.adoptNode(fresh));
    } catch { /* the list is the older one until the page is loaded again */ }
  }

  // What somebody unfolded stays open, and the focus stays where it was.
  function replace(shown, fresh) {
    const open = [...shown.querySelectorAll("details[open]")].map((details) => details.id);
    const inside = shown.contains(document.activeElement);
    const at = inside ? document.activeElement.closest("details")?.id : "";
    shown.replaceWith(fresh);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (inside) (document.getElementById(at)?.querySelector("summary") ?? document.getElementById("list-title")).focus();
  }

  function reason(problem) {
    const texts = Object.values(problem.errors ?? {}).flat().map(String);
    return texts.length ? texts.map(sentence).join(" ") : problem.detail ?? "The server did not accept it.";
  }

  function parsed(text) {
    try { return JSON.parse(text) ?? {}; } catch { return {}; }
  }

  function sentence(text) {
    return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");
  }

  function sizeWords(size) {
    if (size < 1024) return `${size} byte${size === 1 ? "" : "s"}`;
    const [unit, name] = size < 1048576 ? [1024, "KiB"] : [1048576, "MiB"];
    const tenths = Math.floor((size * 10) / unit);
    return `${tenths < 100 ? tenths / 10 : Math.floor(tenths / 10)} ${name}`;
  }

  function tell(text) {
    told.push(text);
    setTimeout(() => { if (told.length) said.textContent = told.splice(0).join(" "); }, 200);
  }

  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
  form.addEventListener("submit", (event) => event.preventDefault());

  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const over = (event) => form.contains(event.target);
  // A file that is dropped beside the panel would else be opened in the page's place.
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = over(event) ? "copy" : "none";
    form.toggleAttribute("data-over", over(event));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) form.removeAttribute("data-over");
  });
  document.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    form.removeAttribute("data-over");
    if (over(event)) add([...event.dataTransfer.files]);
  });
})();
