"""A question that is sent again is kept once, and a conversation can be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistant import chatting, llm
from assistant.conversations import append, begin, delete_conversation, keep_answer, keep_question
from assistant.exceptions import NotThere
from assistant.models import Conversation, Message
from tests.integration.assistant.callers import WAYS, Caller, caller
from tests.integration.assistant.talkers import Model

TOOK = {"cached": False, "complete": True, "prompt_tokens": 9, "completion_tokens": 2}


@pytest.fixture
def model() -> Iterator[Model]:
    """The model that the site asks in this test."""
    found = Model()
    with llm.source.through(found.transport()):
        yield found


@pytest.fixture
def ada() -> Caller:
    """Somebody."""
    return caller()


def said(talk: Conversation) -> list[tuple[str, str]]:
    """Who said what."""
    return list(Message.objects.filter(conversation=talk).values_list("role", "content"))


@pytest.mark.parametrize(("before", "again"), [("a\nb", "a\nb"), ("a\r\nb", "a\nb"), ("a\rb", "a\r\nb")])
def test_a_question_that_waits_for_its_answer_is_not_kept_twice(
    model: Model, ada: Caller, before: str, again: str
) -> None:
    """It is asked as it was kept, and not told as something that was said before; browsers change line ends."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    append(talk, role="user", content="First?")
    append(talk, role="assistant", content="So.")
    append(talk, role="user", content=before)
    answer = ada.send("POST", "chat", {"message": again, "conversation_id": talk.pk})
    assert answer.status_code == 200
    told = [("user", "First?"), ("assistant", "So."), ("user", before)]
    assert model.said == told
    assert said(talk) == [*told, ("assistant", "answer 1")]


def test_a_failure_says_where_the_question_is_kept(model: Model, ada: Caller) -> None:
    """So that a client can send it again: there is one conversation then, and the question once in it."""
    model.answer = None
    answer = ada.send("POST", "chat", {"message": "Why?"})
    talk = Conversation.objects.get(user=ada.user)
    assert (answer.status_code, answer.json()["conversation_id"]) == (422, talk.pk)
    model.is_broken = True
    body = {"message": "Who?", "conversation_id": talk.pk}
    failed = [ada.send("POST", "chat", body) for _ in range(2)]
    assert [(each.status_code, each.json()["conversation_id"]) for each in failed] == [(503, talk.pk)] * 2
    assert said(talk) == [("user", "Why?"), ("user", "Who?")]


def test_another_question_is_another_message(model: Model, ada: Caller) -> None:
    """And so is the same one once it was answered."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    append(talk, role="user", content="Why?")
    for message in ("Why ?", "Why ?"):
        assert ada.send("POST", "chat", {"message": message, "conversation_id": talk.pk}).status_code == 200
    answers = [("assistant", "answer 1"), ("assistant", "answer 2")]
    assert said(talk) == [("user", "Why?"), ("user", "Why ?"), answers[0], ("user", "Why ?"), answers[1]]


def test_a_conversation_that_is_told_twice_at_once_has_it_once(model: Model, ada: Caller) -> None:
    """Both were asked before the first answer came: there is one, and its number is told to both."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    asked = [chatting.ask(ada.user, message="Why?", conversation_id=talk.pk) for _ in range(2)]
    assert asked[0].question == asked[1].question
    replies = [chatting.reply(each) for each in asked]
    assert replies[0].message_id == replies[1].message_id
    assert said(talk) == [("user", "Why?"), ("assistant", "answer 1")]
    assert ada.data("stats")["messages"] == 2


def test_an_answer_stands_once_behind_its_question(ada: Caller) -> None:
    """Another one, or one behind something else, is another message."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    question = keep_question(talk, "Why?")
    first, same = keep_answer(question, "So.", **TOOK), keep_answer(question, "So.", **TOOK)
    assert first == same
    assert keep_answer(question, "Or so.", **TOOK) != first
    keep_question(talk, "Who?")
    other = keep_question(talk, "When?")
    keep_answer(other, "So.", **TOOK)
    assert [text for _, text in said(talk)] == ["Why?", "So.", "Or so.", "Who?", "When?", "So."]


def test_in_a_conversation_that_is_gone_nothing_is_kept(ada: Caller) -> None:
    """Neither a question nor its answer."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    question = keep_question(talk, "Why?")
    delete_conversation(ada.user.pk, talk.pk)
    with pytest.raises(NotThere):
        keep_question(talk, "Why?")
    with pytest.raises(NotThere):
        keep_answer(question, "So.", **TOOK)
    assert not Message.objects.exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_conversation_is_deleted_with_its_messages(way: str) -> None:
    """From the list, the messages and the numbers, with the first read after it; the other ones stay."""
    ada = caller(way)
    talk, other = (begin(ada.user.pk, persona_id=None, title=title) for title in ("Gone", "Stays"))
    for each in (talk, other):
        append(each, role="user", content="Why?")

    def shown() -> tuple[Any, ...]:
        titles = [item["title"] for item in ada.data("conversations")["items"]]
        return titles, ada.get(f"conversations/{talk.pk}/messages").status_code, ada.data("stats")["messages"]

    assert shown() == shown() == (["Stays", "Gone"], 200, 2)
    answer = ada.send("DELETE", f"conversations/{talk.pk}")
    assert (answer.status_code, answer.json()) == (200, {"success": True, "data": None})
    assert answer["Cache-Control"] == "no-store"
    assert shown() == (["Stays"], 404, 1)
    assert ada.send("DELETE", f"conversations/{talk.pk}").status_code == 404
    assert ada.get(f"conversations/{other.pk}").status_code == 405


def test_a_key_that_may_only_read_deletes_nothing() -> None:
    """403, and it stays."""
    ada = caller()
    talk = begin(ada.user.pk, persona_id=None, title="")
    key = ada.send("POST", "auth/api-keys", {"name": "reader", "scopes": ["read"]}).json()["data"]["key"]
    reader = Caller(ada.user, ada.client, {"X-API-Key": key})
    assert reader.send("DELETE", f"conversations/{talk.pk}").status_code == 403
    assert Conversation.objects.filter(pk=talk.pk).exists()


def test_who_waits_for_an_answer_is_told_that_the_conversation_is_gone(model: Model, ada: Caller) -> None:
    """404; the answer is kept nowhere."""
    talk = begin(ada.user.pk, persona_id=None, title="")
    model.meanwhile = lambda: delete_conversation(ada.user.pk, talk.pk)
    answer = ada.send("POST", "chat", {"message": "Why?", "conversation_id": talk.pk})
    assert answer.status_code == 404
    assert not Message.objects.exists()
