"""Bounds on what a user may have hold against those who come at once, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.db import connections

from accounts.models import Subscription, User
from assistant import conversations
from assistant.exceptions import QuotaUsedUp
from tests.integration.chat.conftest import ChatSite
from tests.integration.chat.people import NAME, at_once


def outcome(alias: str, act: Callable[[], object]) -> bool:
    """Whether it was done rather than refused."""
    try:
        act()
    except QuotaUsedUp:
        return False
    finally:
        connections[alias].close()
    return True


@pytest.fixture
def user(chat_site: ChatSite) -> User:  # whose database this process uses
    """Somebody who may ask three questions."""
    found = User.objects.create(username=f"{NAME}-bounded")
    Subscription.objects.create(user=found, limits={"chat_messages": 3})
    return found


def test_questions_at_once_are_no_more_than_the_plan_allows(user: User, postgres_alias: str) -> None:
    """Each in a conversation of its own."""
    talks = [conversations.begin(user.pk, persona_id=None, title="") for _ in range(8)]
    asks = [partial(outcome, postgres_alias, partial(conversations.keep_question, talk, "Why?")) for talk in talks]
    assert sorted(at_once(asks)) == [False] * 5 + [True] * 3


def test_conversations_at_once_are_no_more_than_may_be(
    user: User, postgres_alias: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them begin together."""
    monkeypatch.setattr(conversations, "MOST_CONVERSATIONS", 3)
    begin = partial(conversations.begin, user.pk, persona_id=None, title="")
    assert sorted(at_once([partial(outcome, postgres_alias, begin)] * 8)) == [False] * 5 + [True] * 3
