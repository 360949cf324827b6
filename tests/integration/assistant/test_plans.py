"""What a plan allows: it binds, and says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Subscription
from accounts.subscriptions import PERIOD, PLAN_LIMITS
from assistant import conversations
from assistant.documents import MOST_DOCUMENTS
from assistant.exceptions import QuotaUsedUp
from assistant.models import Conversation, Message
from assistant.policies import CONVERSATIONS, DOCUMENTS, MESSAGES, PERSONA_LIST
from auras.creating import MOST_AURAS
from cache_platform import Budget, CachePolicy
from tests.integration.assistant.callers import Caller, caller


@pytest.fixture
def ada() -> Caller:
    """Somebody with a plan of her own, and two of everything."""
    found = caller()
    Subscription.objects.create(user=found.user, plan="pro", limits={"chat_messages": 2, "documents": 2, "auras": 2})
    return found


def ask(who: Caller, text: str, talk: Conversation) -> Message:
    """A question that is kept, answered."""
    kept = conversations.keep_question(talk, text)
    conversations.append(talk, role="assistant", content="Because.")
    return kept


def assert_refused(answer: Any, words: str) -> None:
    """409, naming the plan."""
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:quota")
    assert answer.json()["detail"] == f"Your plan (Pro) has 2 {words}, or choose another plan."


def test_usage_is_what_there_is(ada: Caller) -> None:
    """Shown at once after each write, by the subscription's route and to the one who counts."""

    def shown() -> tuple[int, ...]:
        usage = ada.data("subscription")["usage"]
        assert ada.data("subscription")["usage"] == usage
        return tuple(usage[name] for name in ("documents", "auras", "chat_messages"))

    assert shown() == (0, 0, 0)
    document = ada.post("documents", {"name": "a.txt", "text": "x"})
    assert shown() == (1, 0, 0)
    ada.post("auras/create-agent-aura", {"name": "One"})
    assert shown() == (1, 1, 0)
    talk = conversations.begin(ada.user.pk, persona_id=None, title="")
    ask(ada, "Why?", talk)
    assert shown() == (1, 1, 1)
    Message.objects.create(conversation=talk, role="user", content="When?")
    assert shown() == (1, 1, 2)
    ada.send("DELETE", f"documents/{document['id']}")
    ada.send("DELETE", f"conversations/{talk.pk}")
    assert shown() == (0, 1, 0)
    assert caller().data("subscription")["usage"]["auras"] == 0


def test_no_plan_promises_more_than_there_can_be() -> None:
    """The largest allows as much as its apps bear."""
    assert (PLAN_LIMITS["team"]["documents"], PLAN_LIMITS["team"]["auras"]) == (MOST_DOCUMENTS, MOST_AURAS)


def test_documents_are_as_many_as_the_plan_allows(ada: Caller) -> None:
    """Until one is deleted, or another plan is chosen."""
    first = ada.post("documents", {"name": "a.txt", "text": "x"})
    ada.post("documents", {"name": "b.txt", "text": "x"})
    assert_refused(ada.upload("c.txt", b"x"), "documents; delete one first")
    caller().post("documents", {"name": "a.txt", "text": "x"})
    ada.send("DELETE", f"documents/{first['id']}")
    ada.post("documents", {"name": "c.txt", "text": "x"})
    assert ada.send("PATCH", "subscription", {"plan": "team"}).status_code == 200
    ada.post("documents", {"name": "d.txt", "text": "x"})


def test_auras_are_as_many_as_the_plan_allows(ada: Caller) -> None:
    """What is there already is still a duplicate."""
    for name in ("One", "Two"):
        ada.post("auras/create-agent-aura", {"name": name})
    assert_refused(ada.send("POST", "auras/create-agent-aura", {"name": "Three"}), "auras; delete one first")
    again = ada.send("POST", "auras/create-agent-aura", {"name": "Two"})
    assert (again.status_code, again.json()["type"]) == (409, "urn:problem:duplicate")


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_questions_are_as_many_as_the_plan_allows(ada: Caller, accept: str) -> None:
    """In whatever conversation; nothing is kept of one more. Answers are not counted."""
    for text in ("Why?", "When?"):
        ask(ada, text, conversations.begin(ada.user.pk, persona_id=None, title=text))
    ada.headers["Accept"] = accept
    for more in ({}, {"conversation_id": Conversation.objects.latest("pk").pk}):
        refused = ada.send("POST", "chat", {"message": "How?", **more})
        assert_refused(refused, "chat messages in 30 days; wait")
    assert (Conversation.objects.count(), Message.objects.filter(role="user").count()) == (2, 2)


def test_the_chat_page_says_it_too(ada: Caller) -> None:
    """With the question still in its box."""
    for text in ("Why?", "When?"):
        ask(ada, text, conversations.begin(ada.user.pk, persona_id=None, title=text))
    browser = Client()
    browser.force_login(ada.user)
    answer = browser.post("/assistant/", {"do": "ask", "message": "How, then?"})
    assert answer.status_code == 409
    assert "Your plan (Pro) has 2 chat messages in 30 days" in answer.content.decode()
    assert "How, then?" in answer.content.decode()


def test_a_question_that_waits_may_be_sent_again(ada: Caller) -> None:
    """It is counted already."""
    talk = conversations.begin(ada.user.pk, persona_id=None, title="")
    ask(ada, "Why?", talk)
    kept = conversations.keep_question(talk, "When?")
    assert conversations.keep_question(talk, "When?") == kept


@pytest.mark.parametrize(
    ("end", "age", "counts"),
    [
        (None, 29, True),
        (None, 31, False),
        (10, 19, True),
        (10, 21, False),
        (-1, 29, True),
        (-1, 31, False),
        (70, 19, True),
        (70, 21, False),
    ],
)
def test_questions_count_in_the_period_that_runs(ada: Caller, end: int | None, age: int, counts: bool) -> None:
    """That before the subscription's end, 30 days long or whole ones of a longer time; without one the last 30 days."""
    now = timezone.now()
    Subscription.objects.update(
        limits={"chat_messages": 1}, period_end=None if end is None else now + timedelta(days=end)
    )
    assert timedelta(days=30) == PERIOD
    talk = conversations.begin(ada.user.pk, persona_id=None, title="")
    ask(ada, "Why?", talk)
    Message.objects.update(created_at=now - timedelta(days=age))
    if not counts:
        ask(ada, "When?", talk)
        return
    with pytest.raises(QuotaUsedUp):
        ask(ada, "When?", talk)


def test_conversations_are_as_many_as_may_be(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whichever route they begin, until one is deleted; others have their own."""
    monkeypatch.setattr(conversations, "MOST_CONVERSATIONS", 1)
    first = ada.post("conversations", {"title": "First"})
    for path, body in (("conversations", {}), ("chat", {"message": "Why?"})):
        refused = ada.send("POST", path, body)
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:problem:quota")
        assert refused.json()["detail"] == "You have 1 conversations; delete one first."
    caller().post("conversations", {})
    ada.send("DELETE", f"conversations/{first['id']}")
    ada.post("conversations", {"title": "Second"})


def test_one_client_cannot_make_all_pages_there_could_be(ada: Caller) -> None:
    """Of a list by filters and orderings; what is kept is shown on, and others read theirs."""
    (budget,) = PERSONA_LIST.budgets
    ada.data("personas")
    found = [ada.get("personas", page=1 + number).status_code for number in range(budget.limit + 1)]
    assert found == [200] * budget.limit + [429]
    assert ada.data("personas") is not None
    caller().data("personas")


@pytest.mark.parametrize(("page", "policy"), [("personas", PERSONA_LIST), ("documents", DOCUMENTS)])
def test_the_pages_have_the_same_bound(
    ada: Caller, page: str, policy: CachePolicy[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Together with the routes; they say so in words."""
    monkeypatch.setitem(policy.__dict__, "budgets", (Budget(limit=2, window=60),))
    ada.data(page, ordering="name")
    browser = Client()
    browser.force_login(ada.user)
    answers = [browser.get(f"/assistant/{page}/?ordering={order}") for order in ("-name", "created_at")]
    words = "You have looked at very many different pages. Try again in"
    assert [words in answer.content.decode() for answer in answers] == [False, True]
    assert answers[1].status_code == 429


def test_every_list_has_such_a_bound() -> None:
    """For each caller."""
    for policy in (PERSONA_LIST, CONVERSATIONS, MESSAGES, DOCUMENTS):
        assert {budget.per for budget in policy.budgets} == {"caller"}


def test_what_is_looked_for_stands_in_no_key(ada: Caller) -> None:
    """Nor in a log line, which shows keys."""
    for policy in (CONVERSATIONS, DOCUMENTS):
        assert "divorce" not in policy.address({"user_id": 1, "query": "q=divorce"}).key
    assert "divorce" not in MESSAGES.address({"conversation_id": 1, "query": "q=divorce"}).key
