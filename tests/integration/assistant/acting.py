"""What a process of the site is told to do in these tests: requests as somebody, and writes that no route makes."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import clear_url_caches

from assistant import conversations, personas, preferences
from assistant.exceptions import NotThere
from assistant.models import Conversation, Document, Message, Persona, Preference
from assistant.policies import CONVERSATIONS, DOCUMENTS, MESSAGES, PERSONA_LIST
from tests.services.waiting import wait_until


def do(orders: list[dict[str, Any]]) -> list[Any]:
    """The outcomes, in order: `[status, body]` of a request, what the others return."""
    if settings.ROOT_URLCONF != "config.urls":  # these processes serve the accounts' routes alone at first
        settings.ROOT_URLCONF = "config.urls"
        clear_url_caches()
        for policy in (PERSONA_LIST, CONVERSATIONS, MESSAGES, DOCUMENTS):
            vars(policy)["budgets"] = ()  # these tests read more in a minute than anybody may
    return [_ask(**order) if "path" in order else WRITES[order.pop("write")](**order) for order in orders]


@functools.cache
def _client(who: str) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.get(username=who))
    return client


def _ask(who: str, path: str, method: str = "GET", body: Any = None, file: str = "") -> list[Any]:
    if file:
        form = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{file}"\r\n\r\n{body}\r\n--x--\r\n'
        answer = _client(who).generic(method, f"/api/{path}", form, content_type="multipart/form-data; boundary=x")
    else:
        text = "" if body is None else json.dumps(body)
        answer = _client(who).generic(method, f"/api/{path}", text, content_type="application/json")
    assert answer.status_code < 500, answer.content
    return [answer.status_code, answer.json()]


def _say(conversation: int, **message: Any) -> str:
    row = Conversation.objects.filter(pk=conversation).first()
    if row is None:
        return "gone"
    conversations.append(row, **message)
    return "said"


def _update(model: str, where: dict[str, Any], values: dict[str, Any]) -> int | str:
    try:
        return int(MODELS[model].objects.filter(**where).update(**values))
    except IntegrityError:
        return "refused"


def _delete(model: str, where: dict[str, Any]) -> int:
    deleted: int = MODELS[model].objects.filter(**where).delete()[0]
    return deleted


def _bulk(conversation: int, contents: list[str]) -> int:
    if not Conversation.objects.filter(pk=conversation).exists():
        return 0
    rows = [Message(conversation_id=conversation, role="user", content=each) for each in contents]
    return len(Message.objects.bulk_create(rows))


def _delete_while_chosen(persona: int, who: str) -> list[str]:
    """Delete a persona that somebody chooses between the update of what refers to it and its own deletion."""
    user = get_user_model().objects.get(username=who)
    outcomes: list[str] = []

    def choose() -> None:
        try:
            preferences.choose(user.pk, persona_id=persona)
            outcomes.append("chosen")
        except NotThere:
            outcomes.append("not there")
        finally:
            connection.close()

    thread = threading.Thread(target=choose)

    def after_the_update(execute: Any, sql: str, *args: Any) -> Any:
        result = execute(sql, *args)
        if sql.startswith('UPDATE "assistant_preference"'):
            thread.start()
            wait_until(lambda: not thread.is_alive() or _somebody_waits_for_a_lock(), what="it is chosen")
        return result

    with connection.execute_wrapper(after_the_update):
        personas.delete_persona(persona, by=user)
    thread.join()
    return outcomes


def _somebody_waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
        return cursor.fetchone() is not None


MODELS: dict[str, Any] = {
    "conversation": Conversation,
    "document": Document,
    "message": Message,
    "persona": Persona,
    "preference": Preference,
}
WRITES: dict[str, Callable[..., Any]] = {
    "say": _say,
    "update": _update,
    "delete": _delete,
    "bulk": _bulk,
    "delete_while_chosen": _delete_while_chosen,
}
