"""A reply as server-sent events: `begun` {"conversation_id"}, a `delta` {"text"} for each part, then `done` with the
reply, or a `problem`."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Self

from django.db import connections

from assistant.answers import OnDelta
from assistant.chatting import Reply
from assistant.event_stream import HEARTBEAT, event
from assistant.places import Place
from assistant.rest.problems import exception_handler
from cache_platform.exceptions import LoadShed
from cache_platform.rest.problems import problem

logger = logging.getLogger(__name__)

PAUSE = 5.0
"""Seconds without an event after which a heartbeat is sent."""


class ReplyStream:
    """The events of one reply. It is made in a thread of its own, which goes on when the client has gone: what was
    paid for is kept. `place` is held until both are over."""

    def __init__(
        self, conversation_id: int, make: Callable[[OnDelta], Reply], place: Place, *, pause: float = PAUSE
    ) -> None:
        self._conversation_id = conversation_id
        self._make = make
        self._place = place
        self._pause = pause
        self._events: SimpleQueue[bytes | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._over = False
        self._any = False

    def start(self) -> Self:
        """Begin to make the reply. Raises LoadShed when there can be no more threads."""
        thread = threading.Thread(target=self._run, name="chat-reply", daemon=True)
        self._put(event("begun", {"conversation_id": self._conversation_id}))
        self._place.hold()  # for the thread
        self._place.hold()  # for who reads the events
        try:
            thread.start()
        except RuntimeError:
            self._place.let_go()
            self._place.let_go()
            raise LoadShed("too many threads run", retry_after=2) from None
        return self

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        try:
            found = self._events.get(timeout=self._pause)
        except Empty:
            return HEARTBEAT
        if found is None:
            self.close()
            raise StopIteration
        return found

    def close(self) -> None:
        """Nobody reads any more: the client has all, or has gone."""
        with self._lock:
            before, self._over = self._over, True
        if not before:
            self._place.let_go()

    def _run(self) -> None:
        try:
            self._put(*self._last_events())
        finally:
            try:
                connections.close_all()
            finally:
                self._events.put(None)
                self._place.let_go()

    def _last_events(self) -> list[bytes]:
        try:
            reply = self._make(self._on_delta)
        except Exception as error:  # noqa: BLE001  # nobody above this thread would tell the client
            return [event("problem", problem_of(error))]
        whole = [] if self._any else [event("delta", {"text": reply.text})]
        return [*whole, event("done", reply)]

    def _on_delta(self, text: str) -> None:
        self._any = True
        self._put(event("delta", {"text": text}))

    def _put(self, *events: bytes) -> None:
        for each in events:
            if not self._over:
                self._events.put(each)


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem that the response to a request would be, with `retry_after` in seconds where a header would say it;
    an error without a meaning is logged."""
    response = exception_handler(error, {})
    if response is None:
        logger.error("a chat failed", exc_info=error)
        response = problem(500, "Something went wrong on our side; it has been logged.")
    told: dict[str, Any] = json.loads(response.content)
    if "Retry-After" in response:
        told["retry_after"] = int(response["Retry-After"])
    return told
