"""Chat when something fails: the model, Redis, the client."""

from __future__ import annotations

import json
import socket
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from assistant import llm
from assistant.llm import ChatMessage
from assistant.models import Message
from assistant.places import CHATS_AT_ONCE
from cache_platform.exceptions import SourceError, SourceMalformed, SourceRateLimited, SourceTimeout, SourceUnavailable
from tests.integration.chat.conftest import ChatSite
from tests.integration.chat.people import Person, at_once, people, text_of
from tests.services.redis import RedisUnderTest
from tests.services.sandbox import SandboxUnderTest
from tests.services.waiting import wait_until

QUESTION = "What holds up a suspension bridge?"
PROMPT = [ChatMessage("user", QUESTION)]


def answers_in(server: RedisUnderTest) -> list[str]:
    """The keys of the answers that are kept."""
    with server.client() as client:
        return [key.decode() for key in client.scan_iter("cp:assistant.answer:*")]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("error", SourceUnavailable),
        ("timeout", SourceTimeout),
        ("malformed", SourceMalformed),
        ("rate_limited", SourceRateLimited),
        ("huge", SourceMalformed),
        ("cut", SourceMalformed),
    ],
)
def test_each_way_to_fail_is_one_of_our_errors(
    sandbox: SandboxUnderTest, settings: Any, mode: str, kind: type[SourceError], streamed: bool
) -> None:
    """Over real sockets, within LLM_TIMEOUT; the model is asked once."""
    settings.SANDBOX_URL = sandbox.url
    settings.LLM_TIMEOUT = 1.0 if mode == "timeout" else 30.0
    llm.source.outage.reset()
    sandbox.fault(service="chat", mode=mode)
    try:
        with pytest.raises(kind):
            ask(streamed=streamed)
        sandbox.fault(service="chat", mode="off")
        llm.source.outage.reset()
        assert ask(streamed=streamed).complete
    finally:
        llm.source.close()
        llm.source.outage.reset()
    assert sandbox.calls()["chat"] == 2


@pytest.mark.parametrize("streamed", [False, True])
def test_a_slow_model_is_waited_for(sandbox: SandboxUnderTest, settings: Any, streamed: bool) -> None:
    """As long as LLM_TIMEOUT says, and no longer, also while words are coming."""
    settings.SANDBOX_URL = sandbox.url
    sandbox.fault(service="chat", mode="slow", delay_ms=1500)
    try:
        assert ask(streamed=streamed).complete
        settings.LLM_TIMEOUT = 0.7
        with pytest.raises(SourceTimeout):
            ask(streamed=streamed)
    finally:
        llm.source.close()
        llm.source.outage.reset()


def ask(*, streamed: bool) -> llm.Completion:
    """One question."""
    if streamed:
        return llm.stream(PROMPT, temperature=0.5, on_delta=lambda _text: None)
    return llm.complete(PROMPT, temperature=0.5)


def test_a_cut_stream_leaves_nothing(
    chat_site: ChatSite, sandbox: SandboxUnderTest, redis_server: RedisUnderTest
) -> None:
    """Its parts are followed by a problem; no answer is kept, in Redis or in the conversation, and the next try asks
    anew."""
    (person,) = people(chat_site(), 1)
    sandbox.fault(service="chat", mode="cut")
    (begun, _), *deltas, (name, problem) = person.streamed(QUESTION)
    assert begun == "begun"
    assert len(deltas) > 3
    assert (name, problem["status"], problem["type"]) == ("problem", 503, "urn:problem:source")
    assert problem["retry_after"] >= 1
    assert answers_in(redis_server) == []
    assert person.said() == [("user", QUESTION)]
    sandbox.fault(service="chat", mode="off")
    found: list[Any] = []

    def tried_again() -> bool:
        answer = person.ask(QUESTION)
        found.append(answer)
        return answer.status_code == 200

    wait_until(tried_again, what="the back-off is over")
    assert {answer.status_code for answer in found[:-1]} <= {503}
    assert not found[-1].json()["data"]["cached"]
    assert sandbox.calls()["chat"] == 2
    assert len(answers_in(redis_server)) == 1


def test_a_client_that_goes_away_loses_nothing(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """The answer is made to its end: its message is kept, and the next one who asks gets it from the cache."""
    gone, later = people(chat_site(workers=1), 2)
    sandbox.fault(service="chat", mode="slow", delay_ms=2000)
    with gone.stream(QUESTION) as events:
        assert [next(events)[0], next(events)[0]] == ["begun", "delta"]
    wait_until(lambda: len(gone.said()) == 2, what="the answer of who has gone is kept")
    answer = later.told(QUESTION)
    assert (answer["cached"], answer["text"]) == (True, gone.said()[1][1])
    assert sandbox.calls()["chat"] == 1


def threads_of(pid: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def connections_of(pid: int) -> int:
    """How many TCP connections a process has: with clients and with the model, since Redis and the database are reached
    by unix sockets."""
    listening, inode = "0A", 9
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    connected = {f"socket:[{line[inode]}]" for line in lines if line[3] != listening}
    found = 0
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += str(each.readlink()) in connected
        except FileNotFoundError:  # closed in this moment
            continue
    return found


def test_clients_that_go_away_leave_no_thread_and_no_connection(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """More of them than there are places, and than the database's pool has connections."""
    running = chat_site(workers=1)
    crowd = people(running, 20)
    (worker,) = running.worker_pids()
    sandbox.fault(service="chat", mode="slow", delay_ms=600)

    def leave(person: Person, word: str) -> None:
        with person.stream(f"{QUESTION} {word}") as events:
            next(events)

    def leave_all(word: str) -> None:
        at_once([partial(leave, person, f"{word} {person.user.pk}") for person in crowd])
        users = [person.user for person in crowd]
        kept = Message.objects.filter(
            role="assistant", conversation__user__in=users, conversation__title__contains=word
        )
        wait_until(lambda: kept.count() == len(crowd), what=f"all answers to {word} are kept")

    leave_all("first")
    threads = threads_of(worker)
    for word in ("second", "third", "fourth"):
        leave_all(word)
    wait_until(lambda: threads_of(worker) <= threads, what="no thread is left over")
    kept_open = 1 + llm.source.limits.idle_connections  # this test's own client, and those to the model
    wait_until(lambda: connections_of(worker) <= kept_open, what="no connection is left over")
    sandbox.reset()
    answers = at_once([partial(person.streamed, QUESTION) for person in crowd])
    assert len({text_of(answer) for answer in answers}) == 1


def test_slow_chats_cannot_stop_the_site(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """One process has 48 of them under way, 40 as streams; the next one is told to come again. All else is answered,
    also what needs the database, whose pool has 32 connections."""
    running = chat_site(workers=1)
    crowd = people(running, CHATS_AT_ONCE)
    sandbox.fault(service="chat", mode="timeout")
    open_ones = [half_asked(running.url, person, f"{QUESTION} {n}") for n, person in enumerate(crowd)]
    try:
        wait_until(lambda: sandbox.calls()["chat"] == CHATS_AT_ONCE, what="the model is asked by all")
        refused = crowd[0].ask(QUESTION)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:problem:overload")
        assert int(refused.headers["Retry-After"]) >= 1
        assert crowd[0].said() == [("user", f"{QUESTION} 0")], "what was refused is not kept"
        assert [person.get("/api/conversations")["total"] for person in crowd[:4]] == [1] * 4
        assert running.client.get("/health/live").status_code == 200
    finally:
        for each in open_ones:
            each.close()


def half_asked(url: str, person: Person, message: str) -> socket.socket:
    """A connection over which a question was sent; some as a stream. Nothing is read from it."""
    host, _, port = url.removeprefix("http://").partition(":")
    body = json.dumps({"message": message})
    accept = "text/event-stream" if person.user.pk % 6 else "application/json"
    connection = socket.create_connection((host, int(port)))
    connection.sendall(
        f"POST /api/chat HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {person.access}\r\n"
        f"Accept: {accept}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    return connection


def test_without_redis_answers_come_and_are_not_kept(
    chat_site: ChatSite, sandbox: SandboxUnderTest, redis_server: RedisUnderTest
) -> None:
    """Whole and streamed; each is asked for, and each is in the conversation."""
    (person,) = people(chat_site(workers=1), 1)
    redis_server.kill()
    whole = [person.told(QUESTION) for _ in range(2)]
    assert text_of(person.streamed(QUESTION)) == whole[0]["text"]
    assert [answer["cached"] for answer in whole] == [False, False]
    assert sandbox.calls()["chat"] == 3
    assert person.said() == [("user", QUESTION), ("assistant", whole[0]["text"])] * 3


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_without_the_model_there_is_a_problem_in_time(chat_site: ChatSite, sandbox: SandboxUnderTest, how: str) -> None:
    """503 with Retry-After, and the same as an event; the question is kept, and reads of all else go on."""
    variables = {"LLM_BASE_URL": "http://127.0.0.1:1/v1"} if how == "refuses" else {"LLM_TIMEOUT": "1"}
    sandbox.fault(service="chat", mode="timeout")
    (person,) = people(chat_site(workers=1, **variables), 1)
    refused = person.ask(QUESTION)
    assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(refused.headers["Retry-After"]) >= 1
    (begun, where), (name, problem) = person.streamed("And an arch?")
    assert begun == "begun"
    assert person.get(f"/api/conversations/{where['conversation_id']}/messages")["total"] == 1
    assert (name, problem["status"]) == ("problem", 503)
    assert problem["retry_after"] >= 1
    assert person.said() == [("user", QUESTION), ("user", "And an arch?")]
    assert person.get("/api/conversations")["total"] == 2


@pytest.mark.long
def test_twenty_questions_a_minute(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """Of one person, whole and streamed together, on two processes; another one has a limit of one's own."""
    running = chat_site(RATE_LIMIT_CHAT="20/60s")
    one, other = people(running, 2)
    answers = [one.ask(QUESTION) for _ in range(15)]
    for _ in range(5):
        text_of(one.streamed(QUESTION))
    refused = one.ask(QUESTION)
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].headers["RateLimit-Policy"] == '"chat";q=20;w=60'
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert len(one.said()) == 40, "what was refused is not kept"
    assert other.ask(QUESTION).status_code == 200
