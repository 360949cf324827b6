"""Conversations, their messages and the numbers: each write at once in what shows it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from assistant.conversations import append, begin, history, own_conversation
from assistant.documents import MOST_LETTERS, texts_of
from assistant.exceptions import NotThere
from assistant.models import Conversation, Document, Message
from tests.integration.assistant.callers import Caller, caller


@pytest.fixture
def ada() -> Caller:
    """Somebody."""
    return caller()


def titles(somebody: Caller, **query: Any) -> list[str]:
    """The titles on a page."""
    return [item["title"] for item in somebody.data("conversations", **query)["items"]]


def test_a_conversation_is_begun_and_listed(ada: Caller) -> None:
    """At once, the one that went on last first."""
    assert ada.data("conversations") == {"items": [], "total": 0, "page": 1}
    answer = ada.send("POST", "conversations", {"title": " First "})
    made = answer.json()["data"]
    assert (answer.status_code, answer["Location"]) == (201, f"/api/conversations/{made['id']}/messages")
    assert ada.data("conversations")["items"] == [made]
    ada.post("conversations", {})
    assert titles(ada) == ["", "First"]
    append(own_conversation(ada.user.pk, made["id"]), role="user", content="Hello")
    assert titles(ada) == ["First", ""]
    assert titles(ada, ordering="created_at") == ["First", ""]


def test_messages_stand_in_their_order(ada: Caller) -> None:
    """The last ones first when asked for, a page at a time, and a new one at once."""
    talk = begin(ada.user.pk, persona_id=None, title="Talk")
    path = f"conversations/{talk.pk}/messages"
    assert ada.data(path) == {"items": [], "total": 0, "page": 1}
    for number in range(21):
        append(talk, role="user", content=str(number))
        assert ada.data(path, ordering="-created_at")["items"][0]["content"] == str(number)
    assert [each["content"] for each in ada.data(path)["items"]] == [str(number) for number in range(20)]
    assert [each["content"] for each in ada.data(path, page=2)["items"]] == ["20"]
    assert [each.content for each in history(talk.pk, last=3)] == ["18", "19", "20"]
    assert len(history(talk.pk)) == 20


def test_a_conversation_that_is_gone_cannot_be_gone_on_with(ada: Caller) -> None:
    """Nor can another's be had."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    with pytest.raises(NotThere):
        own_conversation(ada.user.pk + 1, talk.pk)
    path = f"conversations/{talk.pk}/messages"
    assert ada.get(path).status_code == 200
    Conversation.objects.filter(pk=talk.pk).delete()
    assert ada.get(path).status_code == 404
    with pytest.raises(NotThere):
        append(talk, role="user", content="Hello")
    with pytest.raises(NotThere):
        begin(ada.user.pk, persona_id=999_999, title="")
    with pytest.raises(NotThere):
        begin(999_999, persona_id=None, title="")
    assert not Message.objects.exists()


def test_a_conversation_that_moves_is_shown_to_its_new_owner_alone(ada: Caller) -> None:
    """With its messages and its numbers, at once."""
    grace = caller("session")
    talk = begin(ada.user.pk, persona_id=None, title="Talk")
    append(talk, role="user", content="Hello")
    path = f"conversations/{talk.pk}/messages"
    for one, other in ((ada, grace), (grace, ada), (ada, grace)):
        Conversation.objects.filter(pk=talk.pk).update(user=one.user)
        assert (titles(one), titles(other)) == (["Talk"], [])
        assert (one.get(path).status_code, other.get(path).status_code) == (200, 404)
        assert (one.data("stats")["messages"], other.data("stats")["messages"]) == (1, 0)


def test_the_numbers_follow_every_write(ada: Caller) -> None:
    """Tokens of answers from the cache were saved, the others used; of others' there is nothing in it."""
    other = begin(caller().user.pk, persona_id=None, title="")
    append(other, role="assistant", content="x", prompt_tokens=1000)
    numbers = ["conversations", "messages", "documents", "document_bytes"]
    nothing = dict.fromkeys([*numbers, "tokens_used", "tokens_saved", "micro_usd_saved"], 0)
    expected: dict[str, int] = {"user_id": ada.user.pk, **nothing}

    def shows(**changed: int) -> None:
        expected.update(changed)
        assert ada.data("stats") == expected

    shows()
    talk = begin(ada.user.pk, persona_id=None, title="")
    shows(conversations=1)
    append(talk, role="user", content="Hello")
    shows(messages=1)
    append(talk, role="assistant", content="Hello", prompt_tokens=7, completion_tokens=5)
    shows(messages=2, tokens_used=12)
    append(talk, role="assistant", content="Hello", prompt_tokens=20, completion_tokens=3, cached=True)
    shows(messages=3, tokens_saved=23, micro_usd_saved=46)
    made = ada.post("documents", {"name": "a.txt", "text": "Grüße"})
    shows(documents=1, document_bytes=7)
    Message.objects.filter(conversation=talk).update(cached=False)
    shows(tokens_used=35, tokens_saved=0, micro_usd_saved=0)
    ada.send("DELETE", f"documents/{made['id']}")
    shows(documents=0, document_bytes=0)
    talk.delete()
    shows(**nothing)


def test_lists_are_filtered_by_words_and_time(ada: Caller) -> None:
    """From a moment on, and before one."""
    now = timezone.now()
    for days, title in enumerate(["today", "yesterday", "two days ago"]):
        Conversation.objects.create(user=ada.user, title=title, created_at=now - timedelta(days=days))
        Document.objects.create(
            user=ada.user, name=f"{title}.txt", size=1, sha256="", text="x", created_at=now - timedelta(days=days)
        )
    moment = (now - timedelta(days=1)).isoformat()
    assert titles(ada, q="DAY", ordering="title") == ["today", "two days ago", "yesterday"]
    assert sorted(titles(ada, created_after=moment)) == ["today", "yesterday"]
    assert titles(ada, created_before=moment) == ["two days ago"]
    assert titles(ada, q="day", created_before=moment) == ["two days ago"]
    assert ada.names("documents", created_after=moment) == ["today.txt", "yesterday.txt"]
    assert ada.names("documents", created_before=moment) == ["two days ago.txt"]
    assert titles(ada, created_after="9999-12-31") == []


def test_texts_for_a_prompt_are_bounded(ada: Caller) -> None:
    """The newest first, the last one cut; nobody else's."""
    caller().post("documents", {"name": "theirs.txt", "text": "secret"})
    assert texts_of(ada.user.pk) == []
    for name, size in (("a.txt", 10), ("b.txt", MOST_LETTERS - 5), ("c.txt", 3)):
        ada.post("documents", {"name": name, "text": name[0] * size})
    assert texts_of(ada.user.pk) == [("c.txt", "ccc"), ("b.txt", "b" * (MOST_LETTERS - 5)), ("a.txt", "aa")]


def test_a_user_who_goes_takes_everything_along(ada: Caller) -> None:
    """And its entries are superseded."""
    staff = caller(staff=True)
    ada.post("personas", {"name": "Poet"})
    talk = begin(ada.user.pk, persona_id=None, title="")
    append(talk, role="user", content="Hello")
    ada.post("documents", {"name": "a.txt", "text": "x"})
    ada.send("PUT", "personas/preference", {})
    assert staff.names() == ["Poet"]
    ada.user.delete()
    assert staff.names() == []
    assert ada.get("conversations").status_code == 401
    assert not any(model.objects.exists() for model in (Conversation, Message, Document))
