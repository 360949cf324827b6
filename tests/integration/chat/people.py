"""People who chat on a running site, over HTTP."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
from django.contrib.auth.hashers import make_password

from accounts.models import User
from assistant.models import Message, Persona
from tests.services.site import SiteUnderTest

T = TypeVar("T")
NAME = "chatter"
PASSWORD = "correct horse 42 staple"
STREAM = {"Accept": "text/event-stream"}
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Person:
    """Somebody who is signed in."""

    user: User
    url: str
    access: str

    def ask(self, message: str, **more: Any) -> httpx.Response:
        """A question, answered whole."""
        with self._client() as client:
            return client.post("/api/chat", json={"message": message, **more})

    def told(self, message: str, **more: Any) -> dict[str, Any]:
        """The answer to a question; it has to be 200."""
        answer = self.ask(message, **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])

    def streamed(self, message: str, **more: Any) -> list[tuple[str, Any]]:
        """The events of a question that is answered as a stream, to its end."""
        with self.stream(message, **more) as events:
            return list(events)

    @contextmanager
    def stream(self, message: str, **more: Any) -> Iterator[Iterator[tuple[str, Any]]]:
        """The events as they come; who leaves the block has gone away."""
        body = {"message": message, **more}
        with self._client() as client, client.stream("POST", "/api/chat", json=body, headers=STREAM) as response:
            if response.status_code != 200:
                raise AssertionError(response.read())
            assert response.headers["Content-Type"] == "text/event-stream"
            assert response.headers["Cache-Control"] == "no-store"
            assert response.headers["X-Accel-Buffering"] == "no"
            yield events_in(response.iter_lines())

    def get(self, path: str) -> Any:
        """What a route shows; it has to be 200."""
        with self._client() as client:
            return client.get(path).raise_for_status().json()["data"]

    def said(self) -> list[tuple[str, str]]:
        """All messages of all of this person's conversations: who, and what."""
        rows = Message.objects.filter(conversation__user=self.user).order_by("created_at", "pk")
        return list(rows.values_list("role", "content"))

    def _client(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.access}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=60, trust_env=False, verify=False)


def events_in(lines: Iterator[str]) -> Iterator[tuple[str, Any]]:
    """Names and data of events; comments are left out."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


def people(site: SiteUnderTest, number: int) -> list[Person]:
    """New users, signed in."""
    password = make_password(PASSWORD, hasher="md5")
    users = [User.objects.create(username=f"{NAME}{next(_numbers)}", password=password) for _ in range(number)]
    found = []
    for user in users:
        answer = site.client.post("/api/auth/token", json={"username": user.username, "password": PASSWORD})
        found.append(Person(user, site.url, answer.raise_for_status().json()["access"]))
    return found


def persona(prompt: str = "Answer in one sentence.", *, of: Person | None = None) -> Persona:
    """A new persona: somebody's own, or for everybody."""
    owner = None if of is None else of.user
    return Persona.objects.create(name=f"{NAME}{next(_numbers)}", system_prompt=prompt, created_by=owner)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What calls give that begin together."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        barrier.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def text_of(events: list[tuple[str, Any]]) -> str:
    """What a stream that went well has told; its parts together are the whole."""
    (first, begun), *deltas, (last, done) = events
    assert (first, last) == ("begun", "done"), events
    assert begun == {"conversation_id": done["conversation_id"]}
    assert {name for name, _ in deltas} == {"delta"}
    assert "".join(data["text"] for _, data in deltas) == done["text"]
    return str(done["text"])
