// The answer while it comes, with a button that stops waiting for it. Without this file the form sends the question, and
// the page comes back with the answer.
"use strict";
(() => {
  const { Refused, eventsOf } = globalThis.chatStream;
  const chat = document.getElementById("chat");
  const form = document.getElementById("composer");
  const byId = (id) => document.getElementById(id);
  byId("talks").querySelector("details").open = matchMedia("(width >= 60rem)").matches;
  if (!form) return; // a page of earlier messages: nothing is asked there

  const TOUCH = matchMedia("(hover: none) and (pointer: coarse)").matches; // its keyboards have no Shift+Enter
  const NEAR_END = 500; // letters before the most there may be, from which on they are counted
  const box = form.elements.message;
  const messages = byId("messages");
  const notices = byId("chat-notices");
  const problem = byId("composer-problem");
  const longest = Number(box.dataset.longest);
  let conversation = chat.dataset.conversation || "";
  let running = null; // what is being waited for: {controller, stopped}
  let countdown = 0;

  // What is said to people

  const say = (words) => { byId("chat-status").textContent = words; };
  const made = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text }, more);
  const address = () => `${chat.dataset.new}${conversation}/`;

  function wordsOf(error) {
    if (error.status === 401) return "You are signed out.";
    if (error.status === 403) return "This page is out of date. Copy your question, and load the page again.";
    if (error.status === 404) return "The conversation, or its persona, is not there any more.";
    if (error.status === 429 && error.kind === "urn:problem:rate-limit") return "Too many questions.";
    if (error.kind === "urn:problem:source") return "The assistant does not answer at the moment.";
    const wrong = Object.values(error.errors).flat();
    return wrong.length ? wrong.join(" ") : error.message || "Something went wrong.";
  }

  function waiting(seconds, then = () => {}) {
    const words = made("span", "");
    clearInterval(countdown);
    const end = Date.now() + seconds * 1000;
    const tick = () => {
      const left = Math.ceil((end - Date.now()) / 1000);
      words.textContent = left > 0 ? ` Try again in ${left} second${left === 1 ? "" : "s"}.` : " You can try again now.";
      if (left > 0) return;
      clearInterval(countdown);
      then();
    };
    countdown = setInterval(tick, 1000);
    tick();
    return words;
  }

  function clearNotices() {
    clearInterval(countdown);
    notices.replaceChildren();
    problem.hidden = true;
    box.removeAttribute("aria-invalid");
  }

  // Above the composer, with the question back in it: nothing was kept of it.
  function refuse(error, text) {
    if (!box.value.trim()) box.value = text;
    count();
    say(""); // that it was sent is not so any more
    // A live region tells what changes in it: the words once, and not each second of the countdown.
    problem.hidden = false;
    problem.replaceChildren(made("span", wordsOf(error)));
    if (error.status === 401) problem.append(" ", made("a", "Sign in", { href: `${chat.dataset.signIn}?next=${encodeURIComponent(location.pathname)}` }));
    if (error.status === 404) problem.append(" ", made("a", "New conversation", { href: chat.dataset.new }));
    if (error.status === 400) box.setAttribute("aria-invalid", "true");
    if (error.retryAfter) {
      const words = waiting(error.retryAfter);
      words.setAttribute("aria-live", "off");
      problem.append(words);
    }
    box.focus();
  }

  // Below the question, which is kept.
  function failed(error, text) {
    const notice = made("div", "", { className: "again" });
    const words = made("p", error instanceof Refused ? wordsOf(error) : "The connection was lost before the answer was whole.");
    const button = made("button", "Try again", { className: "button-plain", type: "button" });
    button.addEventListener("click", () => again(text, !(error instanceof Refused)));
    if (error.retryAfter) {
      button.disabled = true;
      words.append(waiting(error.retryAfter, () => { button.disabled = false; }));
    }
    notice.append(words, button);
    notices.replaceChildren(notice);
    say(words.firstChild.textContent);
  }

  // In the answer's place. The server goes on without us, and keeps what comes.
  function stoppedAt(answer) {
    const note = made("p", "Stopped. The answer will be kept when it is whole. ", { className: "message-note" });
    const link = made("a", "Show it", { href: `${address()}#last` });
    link.addEventListener("click", showKept);
    note.append(link);
    answer.append(note);
    say("Stopped. The answer will be kept when it is whole.");
  }

  function showKept(event) {
    event?.preventDefault();
    location.hash = "last";
    location.reload();
  }

  // Scrolling: only who is at the end is kept there

  const atEnd = () => innerHeight + scrollY >= document.documentElement.scrollHeight - 120;
  const toEnd = () => scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
  function growing(change) {
    const follow = atEnd();
    change();
    if (follow) toEnd();
  }

  // Messages

  function message(pattern, text) {
    const item = byId(pattern).content.firstElementChild.cloneNode(true);
    item.querySelector(".message-text").textContent = text;
    if (pattern === "answer") item.querySelector("b").textContent = byId("chat-persona").textContent;
    messages.append(item);
    return item;
  }

  function marked(answer, done) {
    const marks = answer.querySelector(".message-marks");
    marks.hidden = !done.cached && done.complete;
    marks.querySelector("[data-mark=cached]").hidden = !done.cached;
    marks.querySelector("[data-mark=incomplete]").hidden = done.complete;
    const tokens = done.usage.total_tokens;
    if (done.cached && tokens) marks.querySelector("[data-saved]").textContent = `, ${tokens.toLocaleString("en")} token${tokens === 1 ? "" : "s"} saved`;
  }

  // The whole of a question: it is shown, asked, and its answer shown as it comes. `asked` is the question's own message
  // where it is there already.
  async function ask(text, asked = null) {
    if (running) return;
    const run = running = { controller: new AbortController(), stopped: false };
    const question = asked || message("own-message", text);
    const answer = message("answer", "");
    const words = answer.querySelector(".message-text").appendChild(new Text());
    let begun = Boolean(asked);
    clearNotices();
    busy(true, answer);
    toEnd();
    try {
      const given = { controller: run.controller, token: form.elements.csrfmiddlewaretoken.value };
      for await (const [name, data] of eventsOf(chat.dataset.ask, wish(text), given)) {
        if (name === "begun") { begun = true; began(String(data.conversation_id), text); }
        if (name === "delta") growing(() => words.appendData(data.text));
        if (name === "problem") throw new Refused(data, data.status, data.retry_after);
        if (name === "done") {
          growing(() => marked(answer, data));
          say(data.cached ? "The answer is there, from the cache." : "The answer is there.");
          refresh();
          return;
        }
      }
      throw new Error("the stream ended before its end");
    } catch (error) {
      growing(() => ended(error, { run, text, question, answer, begun }));
    } finally {
      busy(false, answer);
    }
  }

  function ended(error, { run, text, question, answer, begun }) {
    if (run.stopped && begun) return stoppedAt(answer);
    answer.remove(); // parts of it are no answer
    if (!run.stopped && (begun || !(error instanceof Refused))) return failed(error, text);
    question.remove();
    if (!run.stopped) return refuse(error, text);
    if (!box.value.trim()) box.value = text;
    return say("Stopped.");
  }

  const wish = (text) => ({
    message: text,
    documents: form.elements.documents ? form.elements.documents.checked : false,
    ...(conversation ? { conversation_id: Number(conversation) } : {}),
    ...(!conversation && form.elements.persona?.value ? { persona_id: Number(form.elements.persona.value) } : {}),
  });

  // Where the question is kept: from now on this page is that conversation's.
  function began(number, text) {
    if (conversation) return;
    const persona = form.elements.persona;
    const chosen = persona?.selectedOptions[0];
    conversation = number;
    if (chosen?.value) byId("chat-persona").textContent = chosen.text;
    byId("chat-who").hidden = !chosen?.value;
    const title = text.split(/\s+/).join(" ").trim();
    byId("chat-title").textContent = title.length > 120 ? `${title.slice(0, 119)}…` : title;
    document.title = document.title.replace(/^.* · /, `${byId("chat-title").textContent} · `);
    byId("chat-delete").hidden = false;
    for (const who of messages.querySelectorAll(".message-answer b")) who.textContent = byId("chat-persona").textContent;
    byId("persona-choice").remove();
    byId("chat-delete").querySelector("form").action = address();
    form.action = address();
    history.replaceState(null, "", address());
    refresh();
  }

  // Again after a failure. Where the connection was lost the answer may be there by now: then it is shown.
  async function again(text, wasLost) {
    const question = [...messages.querySelectorAll(".message-own")].at(-1);
    const page = wasLost && conversation ? await pageNow() : null;
    if (page && !page.getElementById("again")) showKept();
    else ask(text, question);
  }

  // The conversation's page as the server shows it now; null where it does not.
  async function pageNow() {
    try {
      const response = await fetch(address());
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      return response.ok && page.getElementById("chat")?.dataset.conversation === conversation ? page : null;
    } catch {
      return null;
    }
  }

  // Who loads the page while an answer is on the way need not ask for it again: it is looked for, half a minute long.
  async function lookForAnswer() {
    for (let looks = 0; looks < 10 && byId("again"); looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, 3000));
      if (document.hidden || running || box.value) continue;
      const page = await pageNow();
      if (page && !page.getElementById("again") && !running && !box.value) return showKept();
    }
  }

  // The list of conversations and the numbers, as they are now.
  async function refresh() {
    const page = await pageNow();
    if (!page) return;
    byId("chat-totals").textContent = page.getElementById("chat-totals").textContent;
    byId("chat-source").textContent = "";
    if (byId("talks").contains(document.activeElement)) return; // whoever is there would be thrown out
    const [before, now] = [document, page].map((each) => each.querySelector("#talks details"));
    const { open, scrollTop } = before;
    now.open = open;
    byId("talks").replaceWith(page.getElementById("talks"));
    now.scrollTop = scrollTop;
  }

  function busy(is, answer) {
    if (!is) running = null;
    const focused = document.activeElement;
    byId("chat-empty")?.remove();
    answer.classList.toggle("is-coming", is);
    byId("stop").hidden = !is;
    byId("send").hidden = is;
    if (is) say("The question is sent.");
    if (is && focused === byId("send")) byId("stop").focus();
    if (!is && focused === byId("stop") && !TOUCH) box.focus();
  }

  // The composer

  const letters = () => [...box.value.trim()].length;

  function count() {
    const number = letters();
    const over = number - longest;
    byId("letters").textContent = over > 0
      ? `${number.toLocaleString("en")} letters: ${over.toLocaleString("en")} too many`
      : over > -NEAR_END ? `${-over} letters left` : "";
    byId("letters").classList.toggle("is-over", over > 0);
    if (over > 0) box.setAttribute("aria-invalid", "true");
    else box.removeAttribute("aria-invalid");
    return over;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const text = box.value.trim();
    if (running || !text) return;
    if (count() > 0) {
      problem.hidden = false;
      problem.textContent = `A question has ${longest.toLocaleString("en")} letters at most. Shorten it, or give it as a document.`;
      box.focus();
      return;
    }
    box.value = "";
    count();
    ask(text);
  });
  box.addEventListener("input", () => { if (count() <= 0) problem.hidden = true; });
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || TOUCH || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  });
  byId("stop").addEventListener("click", () => {
    if (!running) return;
    running.stopped = true;
    running.controller.abort();
    box.focus();
  });
  byId("again")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const question = [...messages.querySelectorAll(".message-own")].at(-1);
    ask(question.querySelector(".message-text").textContent, question);
  });
  count();
  lookForAnswer();
  if (conversation && !location.search.includes("older")) toEnd();
})();
