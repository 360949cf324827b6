"""Chat completions as OpenAI sends them: whole, streamed, refused, and broken on purpose."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

PATH = "/v1/chat/completions"
KEY = {"Authorization": "Bearer any"}
ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What holds up a suspension bridge?"}]


def ask(client: httpx.Client, messages: Any = ASKED, headers: dict[str, str] = KEY, **more: Any) -> httpx.Response:
    """One question."""
    return client.post(PATH, json={"model": "sandbox-1", "messages": messages, **more}, headers=headers)


def events(body: str) -> list[str]:
    """The data of a stream's events, which all have one line."""
    *found, rest = body.split("\n\n")
    assert rest == ""
    assert all(event.startswith("data: ") and "\n" not in event for event in found)
    return [event.removeprefix("data: ") for event in found]


def set_fault(client: httpx.Client, mode: str, **more: float) -> None:
    """Break the chat."""
    client.post("/_control/faults", json={"service": "chat", "mode": mode, **more}).raise_for_status()


def test_an_answer_has_openais_form(client: httpx.Client) -> None:
    """With a choice, a reason for its end, and what it cost."""
    found = ask(client).json()
    (choice,) = found["choices"]
    assert found["object"] == "chat.completion"
    assert (found["model"], choice["index"], choice["finish_reason"]) == ("sandbox-1", 0, "stop")
    assert choice["message"]["role"] == "assistant"
    assert "suspension" in choice["message"]["content"].lower()
    usage = found["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["completion_tokens"] == -(-len(choice["message"]["content"]) // 4)


def test_the_answer_depends_on_the_messages_alone(client: httpx.Client) -> None:
    """The same for the same, another for another system prompt or history."""
    texts = [
        ask(client, messages).json()["choices"][0]["message"]["content"]
        for messages in (ASKED, ASKED, ASKED[1:], [*ASKED, {"role": "assistant", "content": "Cables."}, ASKED[1]])
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


def test_a_stream_is_the_same_answer_in_parts(client: httpx.Client) -> None:
    """The role, words, the reason for the end, the usage that was asked for, and [DONE]."""
    whole = ask(client).json()
    response = ask(client, stream=True, stream_options={"include_usage": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    *chunks, done = events(response.text)
    assert done == "[DONE]"
    first, *parts, end, usage = [json.loads(chunk) for chunk in chunks]
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    text = "".join(part["choices"][0]["delta"]["content"] for part in parts)
    assert text == whole["choices"][0]["message"]["content"]
    assert len(parts) > 5
    assert (end["choices"][0]["delta"], end["choices"][0]["finish_reason"]) == ({}, "stop")
    assert (usage["choices"], usage["usage"]) == ([], whole["usage"])
    assert {chunk["id"] for chunk in (first, *parts, end, usage)} == {whole["id"]}
    assert {chunk["object"] for chunk in (first, *parts, end, usage)} == {"chat.completion.chunk"}


def test_usage_comes_only_when_it_is_asked_for(client: httpx.Client) -> None:
    """As with the real one."""
    assert "usage" not in ask(client, stream=True).text


def test_a_limit_of_tokens_cuts_the_answer_and_says_so(client: httpx.Client) -> None:
    """finish_reason is `length`, by either name of the limit."""
    for name in ("max_tokens", "max_completion_tokens"):
        found = ask(client, **{name: 5}).json()
        assert found["choices"][0]["finish_reason"] == "length"
        assert found["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [{"role": "oracle", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": [], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "\ud800"}]}, "messages[0]"),
        ({"model": ""}, "model"),
        ({"model": "\udfff"}, "model"),
        ({"temperature": 2.1}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
    ],
)
def test_a_wrong_request_is_refused_in_openais_form(client: httpx.Client, change: dict[str, Any], param: str) -> None:
    """The parameter is named."""
    body = json.dumps({"model": "m", "messages": ASKED, **change})
    response = client.post(PATH, content=body, headers={**KEY, "Content-Type": "application/json"})
    assert response.status_code == 400
    error = response.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize("body", [b"", b"[", b"\xff", b"[1]", b"[" * 100_000, b'{"messages":' + b"[" * 50_000])
def test_what_is_no_request_is_refused_in_openais_form(client: httpx.Client, body: bytes) -> None:
    """However deep it goes."""
    response = client.post(PATH, content=body, headers={**KEY, "Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer invalid"}, {"Authorization": "Basic x"}], ids=repr)
def test_a_key_is_needed(client: httpx.Client, headers: dict[str, str]) -> None:
    """Any but the one that is called invalid."""
    response = ask(client, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_calls_are_counted_whatever_comes_of_them(client: httpx.Client) -> None:
    """Under `chat`."""
    ask(client)
    ask(client, stream=True)
    ask(client, headers={})
    assert client.get("/_control/calls").json()["chat"] == 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("mode", "status"), [("error", 500), ("rate_limited", 429)])
def test_failures_have_openais_form(client: httpx.Client, mode: str, status: int, stream: bool) -> None:
    """With a stream asked for too."""
    set_fault(client, mode)
    response = ask(client, stream=stream)
    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert ("retry-after" in response.headers) == (status == 429)


@pytest.mark.parametrize("stream", [False, True])
def test_a_malformed_answer_is_a_page(client: httpx.Client, stream: bool) -> None:
    """Of a proxy in front of it."""
    set_fault(client, "malformed")
    response = ask(client, stream=stream)
    assert (response.status_code, response.text[:15]) == (200, "<!doctype html>")


def test_a_cut_stream_ends_in_the_middle(client: httpx.Client) -> None:
    """Some whole events, half of one, and no [DONE]."""
    whole = ask(client, stream=True).text
    set_fault(client, "cut")
    cut = ask(client, stream=True).text
    assert len(cut) == len(whole) // 2
    assert cut.count("\n\n") > 3
    assert "[DONE]" not in cut


def test_a_cut_answer_is_no_json(client: httpx.Client) -> None:
    """Half of it."""
    set_fault(client, "cut")
    with pytest.raises(json.JSONDecodeError):
        ask(client).json()


def test_a_slow_stream_begins_at_once_and_takes_its_time(client: httpx.Client) -> None:
    """The delay lies between its parts, so that who reads it can be stopped in the middle."""
    set_fault(client, "slow", delay_ms=300)
    body = {"model": "m", "messages": ASKED, "stream": True}
    with client.stream("POST", PATH, json=body, headers=KEY) as response:
        pieces = list(response.iter_raw())
    assert len(pieces) > 3
    assert response.elapsed.total_seconds() >= 0.3
    assert events(b"".join(pieces).decode())[-1] == "[DONE]"


def test_a_huge_answer_goes_on_and_on(client: httpx.Client) -> None:
    """Its head looks valid."""
    set_fault(client, "huge")
    with client.stream("POST", PATH, json={"model": "m", "messages": ASKED}, headers=KEY) as response:
        assert next(response.iter_bytes(100)).startswith(b'{"id":"chatcmpl-again"')
