"""A reply as server-sent events: made in a thread of its own, whoever reads it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from assistant.answers import OnDelta
from assistant.chatting import Reply, Usage
from assistant.event_stream import HEARTBEAT, event
from assistant.exceptions import NotThere
from assistant.places import Places
from assistant.rest.streams import ReplyStream
from cache_platform.exceptions import LoadShed, SourceRateLimited, SourceUnavailable
from tests.services.waiting import wait_until

REPLY = Reply(
    conversation_id=1,
    message_id=2,
    text="One two.",
    cached=False,
    complete=True,
    usage=Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5),
)


BEGUN = event("begun", {"conversation_id": 1})


@pytest.fixture
def places() -> Places:
    return Places(1)


def stream_of(make: Callable[[OnDelta], Reply], places: Places, *, pause: float = 30.0) -> ReplyStream:
    """As the view begins it, which then lets go of the place; its first event is read."""
    place = places.take(1)
    stream = ReplyStream(1, make, place, pause=pause).start()
    assert next(stream) == BEGUN
    place.let_go()
    return stream


def is_free(places: Places) -> bool:
    """Whether somebody may begin."""
    try:
        places.take(1).let_go()
    except LoadShed:
        return False
    return True


def in_two_parts(on_delta: OnDelta) -> Reply:
    """A reply that is made now."""
    on_delta("One ")
    on_delta("two.")
    return REPLY


def test_parts_come_first_and_the_reply_last(places: Places) -> None:
    """And the place is free afterwards."""
    found = list(stream_of(in_two_parts, places))
    assert found == [event("delta", {"text": "One "}), event("delta", {"text": "two."}), event("done", REPLY)]
    wait_until(lambda: is_free(places), what="the place is free")


def test_what_was_there_already_comes_as_one_part(places: Places) -> None:
    """So that who shows the parts shows it too."""
    found = list(stream_of(lambda _on_delta: REPLY, places))
    assert found == [event("delta", {"text": "One two."}), event("done", REPLY)]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (SourceUnavailable("m", "gone"), {"status": 503, "type": "urn:problem:source", "retry_after": 5}),
        (SourceRateLimited("m", "much", retry_after=19.2), {"status": 503, "retry_after": 20}),
        (LoadShed("full", retry_after=1), {"status": 503, "type": "urn:problem:overload", "retry_after": 1}),
        (NotThere(7), {"status": 404}),
        (ZeroDivisionError("a-detail"), {"status": 500}),
    ],
)
def test_what_goes_wrong_is_the_problem_that_a_response_would_be(
    places: Places, caplog: pytest.LogCaptureFixture, error: Exception, expected: dict[str, Any]
) -> None:
    """As the last event, after what had come; what has no meaning is logged and not told."""

    def make(on_delta: OnDelta) -> Reply:
        on_delta("One ")
        raise error

    caplog.set_level(logging.ERROR)
    first, last = stream_of(make, places)
    assert first == event("delta", {"text": "One "})
    assert last.startswith(b"event: problem\ndata: {")
    problem = decoded(last)
    assert problem.items() >= expected.items()
    assert ("retry_after" in problem) == ("retry_after" in expected)
    assert b"a-detail" not in last
    assert ("a-detail" in caplog.text) == isinstance(error, ZeroDivisionError)
    wait_until(lambda: is_free(places), what="the place is free")


def decoded(found: bytes) -> dict[str, Any]:
    """An event's data."""
    return dict(json.loads(found.partition(b"data: ")[2]))


def test_a_pause_is_filled_with_heartbeats(places: Places) -> None:
    """Until there is something to tell."""
    go = threading.Event()

    def make(_on_delta: OnDelta) -> Reply:
        assert go.wait(20)
        return REPLY

    stream = stream_of(make, places, pause=0.01)
    assert [next(stream), next(stream)] == [HEARTBEAT, HEARTBEAT]
    go.set()
    rest = [piece for piece in stream if piece != HEARTBEAT]
    assert rest[-1] == event("done", REPLY)


def test_who_goes_away_stops_nothing(places: Places) -> None:
    """The reply is made to its end, nothing is collected for nobody, and the place is held until then."""
    go, over = threading.Event(), threading.Event()

    def make(on_delta: OnDelta) -> Reply:
        on_delta("One ")
        assert go.wait(20)
        on_delta("two.")
        over.set()
        return REPLY

    stream = stream_of(make, places)
    next(stream)
    stream.close()
    stream.close()
    assert not is_free(places)
    assert list(stream) == []
    go.set()
    assert over.wait(20)
    wait_until(lambda: is_free(places), what="the place is free")
    assert stream._events.get() is None
    assert stream._events.empty()


def test_a_reader_who_is_slow_keeps_the_place(places: Places) -> None:
    """It holds a thread of the web server."""
    stream = stream_of(in_two_parts, places)
    wait_until(lambda: stream._events.qsize() == 4, what="the reply is made")
    assert not is_free(places)
    stream.close()
    assert is_free(places)


def test_without_a_thread_nothing_is_begun(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may have no more; the place is given back."""

    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none_left)
    place = places.take(1)
    with pytest.raises(LoadShed):
        ReplyStream(1, in_two_parts, place).start()
    place.let_go()
    assert is_free(places)
