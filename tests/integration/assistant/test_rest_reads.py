"""The assistant's routes: cached for whoever asks, by every way, and shaped as promised."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from assistant.conversations import append
from assistant.models import Conversation, Persona
from tests.integration.assistant.callers import WAYS, Caller, caller
from tests.integration.limits.trips import counted_trips

Queries = Callable[[int], AbstractContextManager[Any]]


@pytest.fixture(params=WAYS)
def somebody(request: pytest.FixtureRequest) -> Caller:
    """Somebody who has one of each, by each way."""
    found = caller(request.param)
    persona = found.post("personas", {"name": "Mine", "system_prompt": "Be brief."})
    talk = found.post("conversations", {"title": "First", "persona_id": persona["id"]})
    append(Conversation.objects.get(pk=talk["id"]), role="user", content="Hello")
    append(
        Conversation.objects.get(pk=talk["id"]),
        role="assistant",
        content="Hello!",
        prompt_tokens=7,
        completion_tokens=5,
    )
    found.post("documents", {"name": "notes.md", "text": "# Notes\n"})
    return found


def routes(somebody: Caller) -> list[str]:
    """All reads."""
    persona = Persona.objects.get(created_by=somebody.user)
    talk = Conversation.objects.get(user=somebody.user)
    return [
        "personas",
        f"personas/{persona.pk}",
        "personas/preference",
        "conversations",
        f"conversations/{talk.pk}/messages",
        "documents",
        "stats",
    ]


def test_a_second_read_costs_no_query(somebody: Caller, django_assert_num_queries: Queries) -> None:
    """And one round trip: two by a session."""
    for path in routes(somebody):
        first = somebody.get(path)
        assert first.status_code == 200, path
        with django_assert_num_queries(0), counted_trips() as sent:
            second = somebody.get(path)
        assert second.json() == {**first.json(), "cached": True}
        assert len(sent) == (1 if somebody.headers else 2), path
        assert second["Cache-Status"].startswith("CachePlatform; hit; ttl=")
        assert second["Cache-Control"] == "private, no-cache"
        assert somebody.client.get(
            f"/api/{path}", headers={**somebody.headers, "If-None-Match": second["ETag"]}
        ).status_code == 304  # fmt: skip
