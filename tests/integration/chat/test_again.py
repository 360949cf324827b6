"""The same question sent again and again, and a conversation that is deleted meanwhile, on PostgreSQL."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from django.db import connections

from assistant.conversations import append, begin, delete_conversation
from assistant.models import Conversation, Message
from tests.integration.chat.conftest import ChatSite
from tests.integration.chat.people import at_once, people
from tests.services.sandbox import SandboxUnderTest
from tests.services.waiting import wait_until

QUESTION = "How does a bridge stand?"


def test_a_button_pressed_four_times_asks_once(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """At two processes at once, whole and streamed, in one conversation: one question, one call, one answer."""
    (person,) = people(chat_site(shared=True), 1)
    number = person.told("Hello")["conversation_id"]
    sandbox.reset()
    sandbox.fault(service="chat", mode="slow", delay_ms=6000)
    asked: list[Any] = [partial(person.told, QUESTION, conversation_id=number) for _ in range(2)]
    asked += [partial(person.streamed, QUESTION, conversation_id=number) for _ in range(2)]
    answers = at_once(asked)
    told = [answer if isinstance(answer, dict) else answer[-1][1] for answer in answers]
    assert len({answer["message_id"] for answer in told}) == 1
    assert [role for role, _ in person.said()] == ["user", "assistant"] * 2
    assert person.said()[2:] == [("user", QUESTION), ("assistant", told[0]["text"])]
    assert sandbox.calls()["chat"] == 1


def test_a_message_that_comes_while_its_conversation_is_deleted(chat_site: ChatSite, postgres_alias: str) -> None:
    """Who deletes waits for it, and takes it along; nobody gets an error."""
    (person,) = people(chat_site(shared=True), 1)
    talk = begin(person.user.pk, persona_id=None, title="")
    outcomes: list[object] = []

    def delete() -> None:
        try:
            outcomes.append(delete_conversation(person.user.pk, talk.pk))
        except Exception as error:  # any is looked at below
            outcomes.append(error)
        finally:
            connections[postgres_alias].close()

    thread = threading.Thread(target=delete)

    def after_the_lock(execute: Any, sql: str, *args: Any) -> Any:
        result = execute(sql, *args)
        if sql.startswith('UPDATE "assistant_conversation"'):
            thread.start()
            wait_until(lambda: not thread.is_alive() or is_waited(postgres_alias), what="the deletion waits")
        return result

    with connections[postgres_alias].execute_wrapper(after_the_lock):
        append(talk, role="user", content=QUESTION)
    thread.join()
    assert outcomes == [None]
    assert not Conversation.objects.filter(pk=talk.pk).exists()
    assert not Message.objects.filter(conversation_id=talk.pk).exists()


def is_waited(alias: str) -> bool:
    """Whether somebody waits for a lock of that database."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
        return cursor.fetchone() is not None
