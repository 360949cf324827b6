"""Who shares an answer with whom, on two web processes: one call for those who ask the same, and never another's."""

from __future__ import annotations

from functools import partial

from assistant.documents import add_document
from assistant.models import Message
from assistant.personas import change_persona
from cache_platform.inventory import report
from tests.integration.chat.conftest import ChatSite
from tests.integration.chat.people import Person, at_once, people, persona, text_of
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import SiteUnderTest
from tests.services.waiting import wait_until

QUESTION = "What holds up a suspension bridge?"


def saved() -> tuple[int, int]:
    """Tokens and millionths of a dollar, as the statistics show them."""
    row = next(row for row in report("5m", timestamp="")["patterns"] if row["name"] == "assistant.answer")
    return row["tokens_saved"], row["micro_usd_saved"]


def trusting(running: SiteUnderTest, crowd: list[Person]) -> bool:
    """Whether a crowd found both processes sure of Redis. One that has just begun asks the database first, and while
    that has no time to answer it loads by itself."""
    before = len(running.lines)
    at_once([partial(person.get, "/api/personas") for person in crowd])
    return not any("without a look at the outbox" in line for line in running.lines[before:])


def test_forty_people_at_once_cost_one_call(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """Half of them as a stream: all get the same, and a later one gets it from the cache. What was not paid for is
    counted to the token."""
    patient = {"REDIS_SOCKET_TIMEOUT": "10"}  # without Redis each process asks for itself, also where it is only slow
    running = chat_site(LLM_PRICE_PROMPT="0.003", LLM_PRICE_COMPLETION="0.007", **patient)
    everybodys = persona().pk
    *crowd, later = people(running, 41)
    wait_until(lambda: trusting(running, crowd), what="both processes have looked at the outbox", timeout=60)
    sandbox.fault(service="chat", mode="slow", delay_ms=3000)
    whole = [partial(person.told, QUESTION, persona_id=everybodys) for person in crowd[:20]]
    streams = [partial(person.streamed, QUESTION, persona_id=everybodys) for person in crowd[20:]]
    answers = at_once([*whole, *streams])
    done = [answer if isinstance(answer, dict) else answer[-1][1] for answer in answers]
    assert sandbox.calls()["chat"] == 1
    assert len({answer["text"] for answer in done}) == 1
    assert {text_of(answer) for answer in answers if isinstance(answer, list)} == {done[0]["text"]}
    assert len({answer["message_id"] for answer in done}) == 40
    sandbox.reset()
    last = later.told(QUESTION, persona_id=everybodys)
    assert (last["cached"], last["text"], last["usage"]) == (True, done[0]["text"], done[0]["usage"])
    assert sandbox.calls()["chat"] == 0
    usage = last["usage"]
    price = usage["prompt_tokens"] * 3 + usage["completion_tokens"] * 7
    wait_until(lambda: saved() == (40 * usage["total_tokens"], 40 * price), what="40 answers are counted as saved")
    kept = Message.objects.filter(role="assistant", conversation__user__in=[person.user for person in crowd])
    assert kept.filter(cached=False, complete=True).count() == 1, "one of them was paid for"
    assert kept.filter(cached=True, complete=True).count() == 39


def test_a_private_document_in_the_prompt_is_shared_with_nobody(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """Although all forty have the very same text: forty calls."""
    running = chat_site(shared=True)
    everybodys = persona().pk
    crowd = people(running, 40)
    for person in crowd:
        add_document(person.user.pk, name="bridges.txt", text="A cable holds it.")
    asks = [partial(person.told, QUESTION, persona_id=everybodys, documents=True) for person in crowd]
    answers = at_once(asks)
    assert sandbox.calls()["chat"] == 40
    assert {answer["cached"] for answer in answers} == {False}
    again = crowd[0].told(QUESTION, persona_id=everybodys, documents=True)
    assert (again["cached"], again["text"]) == (True, answers[0]["text"])
    without = crowd[0].told(QUESTION, persona_id=everybodys)
    assert without["text"] != again["text"]
    assert sandbox.calls()["chat"] == 41


def test_what_was_said_before_is_shared_with_nobody(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """Two people with the same conversation: the first question costs one call, the second one two."""
    one, other = people(chat_site(shared=True), 2)
    first = [person.told(QUESTION) for person in (one, other)]
    assert sandbox.calls()["chat"] == 1
    second = [
        person.told("And an arch?", conversation_id=answer["conversation_id"])
        for person, answer in zip((one, other), first, strict=True)
    ]
    assert sandbox.calls()["chat"] == 3
    assert [answer["cached"] for answer in second] == [False, False]
    alone = one.told("And an arch?")
    assert alone["text"] != second[0]["text"], "the model was told what was said before"
    said = [("user", QUESTION), ("assistant", first[0]["text"]), ("user", "And an arch?")]
    assert one.said()[:3] == said


def test_ones_own_persona_is_shared_with_nobody(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """Although both tell it the same; and nobody may ask another's."""
    one, other = people(chat_site(shared=True), 2)
    mine, theirs = (persona("Be kind.", of=person).pk for person in (one, other))
    one.told(QUESTION, persona_id=mine)
    assert not other.told(QUESTION, persona_id=theirs)["cached"]
    assert sandbox.calls()["chat"] == 2
    assert other.ask(QUESTION, persona_id=mine).status_code == 404
    assert other.ask(QUESTION, conversation_id=one.told(QUESTION)["conversation_id"]).status_code == 404
    assert other.ask(QUESTION, persona_id=10**12).status_code == 404


def test_a_changed_persona_is_asked_anew_at_once(chat_site: ChatSite, sandbox: SandboxUnderTest) -> None:
    """On whichever process: this one changes it, those of the site answer."""
    (person,) = people(chat_site(shared=True), 1)
    own = persona("Be kind.", of=person)
    before = {person.told(QUESTION, persona_id=own.pk)["text"] for _ in range(8)}
    change_persona(own.pk, by=person.user, changes={"system_prompt": "Be strict."})
    after = [person.told(QUESTION, persona_id=own.pk) for _ in range(8)]
    assert sandbox.calls()["chat"] == 2
    assert [answer["cached"] for answer in after] == [False] + [True] * 7
    assert len(before) == 1
    assert before.isdisjoint(answer["text"] for answer in after)


def test_a_persona_that_is_switched_off_answers_no_more(chat_site: ChatSite) -> None:
    """Who names it is told; a conversation that had it goes on without."""
    (person,) = people(chat_site(shared=True), 1)
    own = persona("Be kind.", of=person)
    begun = person.told(QUESTION, persona_id=own.pk)
    change_persona(own.pk, by=person.user, changes={"is_active": False})
    refused = person.ask(QUESTION, persona_id=own.pk)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["persona_id"])
    assert person.told("And an arch?", conversation_id=begun["conversation_id"])["complete"]
