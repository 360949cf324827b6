// A question that is answered by a stream of events: https://html.spec.whatwg.org/multipage/server-sent-events.html
"use strict";
(() => {
  const QUIET = 30_000; // milliseconds without a byte after which a connection is lost; a sign of life comes every 5 s

  // What the server refused: a problem (RFC 9457), as a response or as an event.
  class Refused extends Error {
    constructor(told, status, retryAfter) {
      super(told.detail || "");
      Object.assign(this, { kind: told.type || "", errors: told.errors || {}, status, retryAfter });
    }
  }

  async function opened(address, body, { controller, token }) {
    const response = await fetch(address, {
      method: "POST",
      signal: controller.signal,
      headers: { "Accept": "text/event-stream", "Content-Type": "application/json", "X-CSRFToken": token },
      body: JSON.stringify(body),
    });
    if (response.ok) return response;
    const told = await response.json().catch(() => ({}));
    throw new Refused(told, response.status, Number(response.headers.get("Retry-After")) || 0);
  }

  function event(block) {
    const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: (.*)/s, 2)));
    return fields.event ? [fields.event, JSON.parse(fields.data)] : null; // a comment is none
  }

  // The events [name, data] of the answer. Throws Refused, and any other error for a connection that was lost.
  async function* eventsOf(address, body, given) {
    let watch = 0;
    const alive = () => {
      clearTimeout(watch);
      watch = setTimeout(() => given.controller.abort(), QUIET);
    };
    try {
      alive();
      const reader = (await opened(address, body, given)).body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        alive();
        const blocks = (rest + value).split("\n\n");
        rest = blocks.pop();
        yield* blocks.map(event).filter(Boolean);
      }
    } finally {
      clearTimeout(watch);
    }
  }

  globalThis.chatStream = { Refused, eventsOf };
})();
