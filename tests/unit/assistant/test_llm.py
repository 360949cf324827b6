"""The client of the language model: OpenAI's wire format, whole and streamed, and what may be wrong with it."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from assistant import llm
from assistant.llm import LONGEST_TEXT, MOST_TOKENS, ChatMessage, Completion, NoAnswer, complete, source, stream
from cache_platform.exceptions import (
    SourceBackoff,
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from cache_platform.outages import FAILURES
from tests.unit.provider_double import Pieces, answering

KEY = "sk-key-of-the-tests-42"
PROMPT = [ChatMessage("system", "Be brief."), ChatMessage("user", "the-secret-question")]
USAGE = {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15}
ANSWERED = Completion(text="One two.", prompt_tokens=12, completion_tokens=3, complete=True)
DONE = b"data: [DONE]\n\n"
ERROR = {"error": {"message": f"Incorrect: {KEY} the-secret-question", "type": "invalid_request_error", "code": "x_y"}}


@pytest.fixture(autouse=True)
def configured(settings: Any) -> None:
    settings.LLM_BASE_URL = "https://model.test/v1"
    settings.LLM_API_KEY = KEY
    settings.LLM_MODEL = "model-7"
    settings.LLM_TIMEOUT = 30.0
    settings.LLM_MAX_TOKENS = 700


def whole(content: Any = "One two.", finish_reason: Any = "stop", **more: Any) -> httpx.Response:
    """An answer at once."""
    choice = {"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
    return httpx.Response(200, json={"id": "x", "choices": [choice], "usage": USAGE, **more})


def chunk(content: str | None = None, finish_reason: str | None = None, **more: Any) -> bytes:
    """One event of a stream."""
    delta = {} if content is None else {"content": content}
    body = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}], "usage": None, **more}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


GOOD = [chunk(""), chunk("One "), chunk("two."), chunk(None, "stop"), chunk(choices=[], usage=USAGE), DONE]


def streamed(pieces: Iterable[bytes], deltas: list[str] | None = None) -> Completion:
    """What comes of a stream."""
    with source.through(answering(httpx.Response(200, stream=Pieces(pieces)))):
        return stream(PROMPT, temperature=0.5, on_delta=[].append if deltas is None else deltas.append)


def completed(response: httpx.Response | Exception) -> Completion:
    """What comes of an answer at once."""
    with source.through(answering(response)):
        return complete(PROMPT, temperature=0.5)


def test_an_answer_at_once() -> None:
    """Text, tokens, and that it is complete."""
    assert completed(whole()) == ANSWERED


def test_a_stream_is_the_same_answer() -> None:
    """Its parts come as they are said; empty ones are nothing to tell."""
    deltas: list[str] = []
    assert streamed(GOOD, deltas) == ANSWERED
    assert deltas == ["One ", "two."]


def test_parts_are_told_before_the_next_one_comes() -> None:
    """That is what a stream is for."""
    told: list[str] = []
    seen: list[int] = []
    body = Pieces(GOOD, between=lambda: seen.append(len(told)))
    with source.through(answering(httpx.Response(200, stream=body))):
        stream(PROMPT, temperature=0.5, on_delta=told.append)
    assert seen == [0, 0, 1, 2, 2, 2]


def test_the_request_is_openais() -> None:
    """With the key as a bearer token; a stream is asked to tell its usage."""
    requests: list[httpx.Request] = []
    with source.through(answering(whole(), requests=requests)):
        complete(PROMPT, temperature=0.5)
    with source.through(answering(httpx.Response(200, stream=Pieces(GOOD)), requests=requests)):
        stream(PROMPT, temperature=0.5, on_delta=print)
    bodies = [json.loads(request.content) for request in requests]
    said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "the-secret-question"}]
    assert bodies[0] == {"model": "model-7", "messages": said, "temperature": 0.5, "max_completion_tokens": 700}
    assert bodies[1] == {**bodies[0], "stream": True, "stream_options": {"include_usage": True}}
    for request in requests:
        assert (request.method, str(request.url)) == ("POST", "https://model.test/v1/chat/completions")
        assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("base_url", "providers", "key", "asked", "sent"),
    [
        (None, "sandbox", None, "http://sandbox.test/v1", "Bearer sandbox"),
        (None, "live", KEY, "https://api.openai.com/v1", f"Bearer {KEY}"),
        ("https://other.test/api", "sandbox", KEY, "https://other.test/api", f"Bearer {KEY}"),
        ("https://local.test/v1", "live", None, "https://local.test/v1", None),
    ],
)
def test_where_the_model_is(
    settings: Any, base_url: str | None, providers: str, key: str | None, asked: str, sent: str | None
) -> None:
    """LLM_BASE_URL, else the sandbox, else OpenAI; a model without a key is sent none."""
    settings.LLM_BASE_URL, settings.PROVIDERS, settings.LLM_API_KEY = base_url, providers, key
    settings.SANDBOX_URL = "http://sandbox.test"
    requests: list[httpx.Request] = []
    with source.through(answering(whole(), requests=requests)):
        complete(PROMPT, temperature=0.5)
    assert str(requests[0].url) == f"{asked}/chat/completions"
    assert requests[0].headers.get("Authorization") == sent


@pytest.mark.parametrize("reason", ["length", "content_filter"])
def test_an_answer_that_stopped_early_is_not_complete(reason: str) -> None:
    """It is an answer, and says so."""
    assert not completed(whole(finish_reason=reason)).complete
    assert not streamed([chunk("One two."), chunk(None, reason), DONE]).complete


def test_a_model_that_tells_no_usage_has_used_nothing_known() -> None:
    """Nothing is guessed."""
    for found in (completed(whole(usage=None)), streamed([*GOOD[:4], DONE])):
        assert (found.text, found.prompt_tokens, found.completion_tokens) == ("One two.", 0, 0)


@pytest.mark.parametrize(
    ("told", "taken"),
    [
        ({"prompt_tokens": None, "completion_tokens": 3}, (0, 3)),
        ({"prompt_tokens": -1, "completion_tokens": "3"}, (0, 0)),
        ({"prompt_tokens": 10**20, "completion_tokens": 1e300}, (MOST_TOKENS, MOST_TOKENS)),
        ({"prompt_tokens": 12.0, "completion_tokens": True}, (12, 0)),
        ({}, (0, 0)),
        (["many"], (0, 0)),
        ("many", (0, 0)),
        (7, (0, 0)),
    ],
)
def test_a_usage_that_is_told_wrongly_costs_nobody_the_answer(told: Any, taken: tuple[int, int]) -> None:
    """What cannot be so is 0, what is too much the most there is; the rest stands."""
    for found in (completed(whole(usage=told)), streamed([*GOOD[:4], chunk(choices=[], usage=told), DONE])):
        assert (found.text, found.prompt_tokens, found.completion_tokens) == ("One two.", *taken)


def test_a_usage_is_the_last_one_that_was_told() -> None:
    """Some models tell it with every part, some once."""
    early = chunk("One two.", usage={"prompt_tokens": 12, "completion_tokens": 2})
    assert streamed([early, chunk(None, "stop", usage=USAGE), chunk(choices=[]), DONE]) == ANSWERED


@pytest.mark.parametrize(
    "pieces",
    [
        [*GOOD[:-1]],
        [*GOOD[:3]],
        [b"".join(GOOD)[:200]],
        [*GOOD[:3], b"data: [DON"],
        [],
        [b"<!doctype html><title>Soon</title>"],
        [b'{"choices":[{"message":{"content":"One two."},"finish_reason":"stop"}]}'],
        [*GOOD[:3], DONE],
        [b"data: {no json\n\n", DONE],
        [b'data: {"choices":"many"}\n\n', DONE],
        [b'data: {"choices":[{"delta":{"content":"\\ud800"}}]}\n\n', DONE],
        [b"data: \xff\n\n", DONE],
        [b"data: " + b"[" * 100_000 + b"\n\n", DONE],
    ],
    ids=[
        "without [DONE]", "cut after a word", "cut in a chunk", "cut in [DONE]", "nothing", "a page", "no stream",
        "without a reason", "no JSON", "another form", "half a letter", "no UTF-8", "deep",
    ],
)  # fmt: skip
def test_a_stream_without_its_end_is_malformed(pieces: list[bytes]) -> None:
    """Whatever has come of it."""
    with pytest.raises(SourceMalformed):
        streamed(pieces)


@pytest.mark.parametrize(
    "response",
    [
        whole(finish_reason=None),
        whole("", finish_reason=None),
        whole(choices=[]),
        httpx.Response(200, text="<!doctype html>"),
        httpx.Response(200, content=whole().content[:80]),
        httpx.Response(302, headers={"Location": "https://evil.test/"}),
    ],
    ids=["no end", "nothing, and no end", "no choice", "a page", "cut", "a redirect"],
)
def test_what_is_no_answer_is_malformed(response: httpx.Response) -> None:
    """Nothing of it is shown."""
    with pytest.raises(SourceMalformed):
        completed(response)


@pytest.mark.parametrize(
    "body",
    [
        whole("").content,
        whole(None, finish_reason="content_filter").content,
        whole("x" * (LONGEST_TEXT + 1)).content,
        b"".join([chunk(""), chunk(None, "stop"), DONE]),
        b"".join([chunk(" \n"), chunk(None, "length"), DONE]),
    ],
    ids=["empty", "filtered", "too long", "empty stream", "blank stream"],
)
def test_a_model_that_says_nothing_to_this_is_not_away(body: bytes) -> None:
    """However often: the next one is asked as before."""
    ask = partial(stream, on_delta=print) if body.startswith(b"data:") else complete
    with source.through(answering(httpx.Response(200, content=body))):
        for _ in range(2 * FAILURES):
            with pytest.raises(NoAnswer):
                ask(PROMPT, temperature=0.5)


def test_a_stream_that_goes_on_and_on_is_stopped() -> None:
    """By what has been said, or by its size when nothing is."""
    body = Pieces(itertools.repeat(chunk("and again " * 100)))
    with source.through(answering(httpx.Response(200, stream=body))), pytest.raises(NoAnswer, match="letters"):
        stream(PROMPT, temperature=0.5, on_delta=len)
    assert body.sent == LONGEST_TEXT // 1000 + 1
    assert body.closed
    body = Pieces(itertools.repeat(b": nothing\n\n" * 1000))
    with source.through(answering(httpx.Response(200, stream=body))), pytest.raises(SourceMalformed, match="bytes"):
        stream(PROMPT, temperature=0.5, on_delta=len)


def test_what_no_database_keeps_is_left_out() -> None:
    """PostgreSQL takes no NUL."""
    assert completed(whole("One\0 two.")).text == "One two."
    deltas: list[str] = []
    assert streamed([chunk("One\0 "), chunk("two."), chunk(None, "stop"), DONE], deltas).text == "One two."
    assert deltas == ["One ", "two."]


def test_an_error_in_a_stream_is_one() -> None:
    """Some servers tell it there, with status 200."""
    with pytest.raises(SourceUnavailable):
        streamed([chunk("One "), b"data: " + json.dumps(ERROR).encode() + b"\n\n", DONE])


def test_a_connection_that_breaks_is_an_error() -> None:
    """Whatever has come of it."""

    def broken() -> Iterator[bytes]:
        yield chunk("One ")
        raise httpx.RemoteProtocolError("peer closed connection")

    with pytest.raises(SourceUnavailable):
        streamed(broken())


@pytest.mark.parametrize("asked", ["whole", "streamed"])
@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(400, json=ERROR), SourceRefused),
        (httpx.Response(401, json=ERROR), SourceRefused),
        (httpx.Response(429, json=ERROR, headers={"Retry-After": "20"}), SourceRateLimited),
        (httpx.Response(500, json=ERROR), SourceUnavailable),
        (httpx.ConnectError("refused"), SourceUnavailable),
        (httpx.ReadTimeout("slow"), SourceTimeout),
    ],
)
def test_failures_say_nothing_of_the_prompt_or_the_key(
    caplog: pytest.LogCaptureFixture, response: httpx.Response | Exception, kind: type[SourceError], asked: str
) -> None:
    """A provider may repeat both in its message: only its code is told."""
    caplog.set_level(logging.DEBUG)
    ask = partial(stream, on_delta=print) if asked == "streamed" else complete
    with source.through(answering(response)), pytest.raises(kind) as caught:
        ask(PROMPT, temperature=0.5)
    shown = f"{caught.value} {caught.value.detail} {caplog.text}"
    assert KEY not in shown
    assert "secret-question" not in shown
    assert ("x_y" in shown) == (kind is SourceRefused)
    assert caught.value.retry_after == (20.0 if kind is SourceRateLimited else None)


def test_all_of_an_answer_has_one_deadline(settings: Any) -> None:
    """LLM_TIMEOUT, also when nothing is left of it."""
    settings.LLM_TIMEOUT = 1e-9
    for ask in (lambda: completed(whole()), lambda: streamed(GOOD)):
        with pytest.raises(SourceTimeout):
            ask()


def test_a_model_that_cuts_its_streams_is_left_alone_for_a_while() -> None:
    """As one that does not answer."""
    with source.through(answering(httpx.Response(200, stream=Pieces(GOOD[:3])))):
        for _ in range(FAILURES):
            with pytest.raises(SourceMalformed):
                stream(PROMPT, temperature=0.5, on_delta=print)
        with pytest.raises(SourceBackoff):
            complete(PROMPT, temperature=0.5)


def test_a_rate_limit_takes_the_model_away_for_half_a_minute_at_most() -> None:
    """It was said to one prompt."""
    with source.through(answering(httpx.Response(429, json=ERROR, headers={"Retry-After": "3600"}))):
        with pytest.raises(SourceRateLimited):
            complete(PROMPT, temperature=0.5)
        with pytest.raises(SourceBackoff) as caught:
            complete(PROMPT, temperature=0.5)
    assert caught.value.retry_after is not None
    assert 1 < caught.value.retry_after <= 30


def test_a_key_that_looks_like_a_code_is_not_told(settings: Any) -> None:
    """By a provider that answers with it where its code should be."""
    settings.LLM_API_KEY = key = "0123456789abcdef0123456789abcdef"
    with pytest.raises(SourceRefused) as caught:
        completed(httpx.Response(401, json={"error": {"code": key}}))
    assert caught.value.detail == "HTTP 401: [removed]"


def test_a_refusal_has_no_reason_but_a_code() -> None:
    """Whatever else stands there."""
    assert llm._explain(b'{"error":{"type":"invalid_request_error","code":null}}') == "invalid_request_error"
    assert llm._explain(b'{"error":{"code":"Your key is sk-1"}}') == ""
