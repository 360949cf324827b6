"""A generated sequence of operations over the whole API: two processes that cache show, after each of them, what a site
without a cache shows."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.integration.assistant.worlds import Worlds, tell

pytestmark = pytest.mark.long

Order = dict[str, Any]
PEOPLE = ["ada", "grace", "admin"]
STEPS = 80
READS_AFTER_EACH = 8
TIMES = {"created_at", "updated_at"}
NAMES = ["Poet", "Coach", "Zoë", "Judge"]


class Generator:
    """Operations by chance, on what earlier ones made."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.numbers: dict[str, list[int]] = {"personas": [1, 2, 3, 999], "conversations": [999], "documents": [999]}

    def choose(self, values: Any) -> Any:
        """One of them."""
        return self._random.choice(values)

    def order(self) -> Order:
        """The next one."""
        make = self.choose(
            [self._persona, self._persona, self._change, self._change, self._remove, self._preference, self._talk,
             self._say, self._document, self._document, self._discard, self._forget, self._behind, self._behind,
             self._behind],
        )  # fmt: skip
        order: Order = make()
        return order

    def learn(self, order: Order, outcome: Any) -> None:
        """Numbers that an operation made."""
        kind = order.get("path", "")
        if order.get("method") == "POST" and outcome[0] == 201:
            self.numbers[kind].append(outcome[1]["data"]["id"])

    def reads(self) -> list[Order]:
        """What nearly every write changes, and some of all else that can be read."""
        paths = [
            "personas", "personas?active=true", "personas?active=false", "personas?created_by=system",
            "personas?created_by=1", "personas?created_by=2&active=true", "personas?q=o",
            "personas?ordering=-updated_at", "personas?page=2", "personas/preference", "conversations",
            "conversations?q=a&ordering=title",
            "conversations?ordering=-created_at", "documents", "documents?ordering=-size", "documents?q=note", "stats",
            *(f"personas/{number}" for number in self.numbers["personas"]),
            *(f"conversations/{number}/messages" for number in self.numbers["conversations"]),
            *(f"conversations/{number}/messages?ordering=-created_at" for number in self.numbers["conversations"]),
        ]  # fmt: skip
        wanted = [{"who": who, "path": path} for who in PEOPLE for path in paths]
        always = [{"who": who, "path": path} for who in PEOPLE for path in ("stats", "conversations", "documents")]
        return [*always, *self._random.sample(wanted, READS_AFTER_EACH)]

    def _persona(self) -> Order:
        body = {"name": self.choose(NAMES), "system_prompt": self.choose(["", "Rhyme."]), "description": "so"}
        return self._request("POST", "personas", body)

    def _change(self) -> Order:
        body = self.choose(
            [{"name": self.choose(NAMES)}, {"is_active": self.choose([True, False])}, {"description": "other"}, {}]
        )
        return self._request("PATCH", f"personas/{self.choose(self.numbers['personas'])}", body)

    def _remove(self) -> Order:
        return self._request("DELETE", f"personas/{self.choose(self.numbers['personas'])}")

    def _preference(self) -> Order:
        persona = self.choose([None, *self.numbers["personas"]])
        return self._request(
            "PUT", "personas/preference", {"persona_id": persona, "temperature": self.choose([0, 1.5])}
        )

    def _talk(self) -> Order:
        persona = self.choose([None, *self.numbers["personas"]])
        return self._request("POST", "conversations", {"title": self.choose(["a", "b"]), "persona_id": persona})

    def _say(self) -> Order:
        said = {"role": self.choose(["user", "assistant"]), "content": self.choose(["Hello", "Bye"])}
        counted = {"cached": self.choose([True, False]), "prompt_tokens": 3, "completion_tokens": 4}
        return {"write": "say", "conversation": self.choose(self.numbers["conversations"]), **said, **counted}

    def _document(self) -> Order:
        name, text = self.choose(["note.txt", "b.md", "c.exe"]), "x" * self.choose([0, 1, 2000])
        if self.choose([True, False]):
            return {**self._request("POST", "documents", text), "file": name}
        return self._request("POST", "documents", {"name": name, "text": text})

    def _discard(self) -> Order:
        return self._request("DELETE", f"documents/{self.choose(self.numbers['documents'])}")

    def _forget(self) -> Order:
        return self._request("DELETE", f"conversations/{self.choose(self.numbers['conversations'])}")

    def _behind(self) -> Order:
        """What no route does: an operator's work, or a later release's."""
        persona, talk = self.choose(self.numbers["personas"]), self.choose(self.numbers["conversations"])
        return dict(
            self.choose(
                [
                    {"write": "bulk", "conversation": talk, "contents": ["one", "two"]},
                    {"write": "delete", "model": "conversation", "where": {"pk": talk}},
                    {"write": "delete", "model": "message", "where": {"conversation_id": talk}},
                    {"write": "delete", "model": "preference", "where": {}},
                    {"write": "update", "model": "conversation", "where": {"pk": talk}, "values": {"user_id": 2}},
                    {"write": "update", "model": "message", "where": {}, "values": {"cached": True}},
                    {"write": "update", "model": "persona", "where": {"pk": persona}, "values": {"created_by_id": 1}},
                    {
                        "write": "update",
                        "model": "persona",
                        "where": {"pk": persona},
                        "values": {"created_by_id": None},
                    },
                    {"write": "update", "model": "document", "where": {"user_id": 1}, "values": {"user_id": 2}},
                ]
            )
        )

    def _request(self, method: str, path: str, body: Any = None) -> Order:
        return {"who": self.choose(PEOPLE), "method": method, "path": path, "body": body}


@pytest.mark.parametrize("seed", [1, 2])
def test_two_processes_with_a_cache_show_what_one_without_shows(worlds: Worlds, seed: int) -> None:
    """After every single operation, whichever process did it and whichever is asked first."""
    generator = Generator(seed)
    hits, statuses, done = 0, set(), []
    for step in range(STEPS):
        order = generator.order()
        done.append(order)
        there, without = worlds.everywhere(generator.choose([0, 1]), order)
        assert timeless(there) == timeless(without), (step, order)
        generator.learn(order, there)
        statuses.add(there[0] if isinstance(there, list) else 0)
        reads = generator.reads()
        expected = tell(worlds.uncached, reads)
        for number in generator.choose([(0, 1), (1, 0)]):
            for read, found, right in zip(reads, tell(worlds.cached[number], reads), expected, strict=True):
                assert timeless(found) == timeless(right), (step, order, read, done[-6:])
                hits += found[1].get("cached") is True
    assert hits > STEPS, "hardly anything was cached"
    assert statuses >= {0, 200, 201, 400, 403, 404}


def timeless(outcome: Any) -> Any:
    """Without what differs between two sites that did the same, one after the other."""
    if isinstance(outcome, dict):
        return {name: timeless(value) for name, value in outcome.items() if name not in {*TIMES, "cached"}}
    return [timeless(value) for value in outcome] if isinstance(outcome, list) else outcome
