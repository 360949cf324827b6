"""Personas: made, found, changed and deleted; a preference; each write at once in what shows it."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models import Persona
from assistant.personas import MOST_PERSONAS
from tests.integration.assistant.callers import Caller, caller


@pytest.fixture
def ada() -> Caller:
    """Somebody."""
    return caller()


def system_wide(name: str = "Helper", **fields: Any) -> Persona:
    """A persona for everybody."""
    return Persona.objects.create(name=name, **fields)


def test_a_new_persona_is_shown_at_once(ada: Caller) -> None:
    """In the lists that contain it and in no other, with what was given and defaults for the rest."""
    assert ada.names() == ada.names(active="false") == []
    answer = ada.send("POST", "personas", {"name": "  Poet ", "system_prompt": " Rhyme.\n"})
    made = answer.json()["data"]
    assert (answer.status_code, answer["Location"]) == (201, f"/api/personas/{made['id']}")
    assert answer["Cache-Control"] == "no-store"
    assert "cached" not in answer.json()
    assert {name: made[name] for name in ("name", "description", "system_prompt", "is_active", "version")} == {
        "name": "Poet",
        "description": "",
        "system_prompt": " Rhyme.\n",
        "is_active": True,
        "version": 1,
    }
    assert made["created_by"] == ada.user.pk
    assert ada.names() == ada.names(active="true") == ["Poet"]
    assert ada.names(active="false") == ada.names(created_by="system") == []
    assert ada.data(f"personas/{made['id']}") == made


def test_a_change_raises_the_version_and_supersedes(ada: Caller) -> None:
    """Of each field that the version stands for; what changes nothing raises nothing."""
    made = ada.post("personas", {"name": "Poet"})
    path = f"personas/{made['id']}"
    for number, change in enumerate(
        [{"name": "Bard"}, {"description": "Sings"}, {"system_prompt": "Sing."}, {"is_active": False}], start=2
    ):
        assert (ada.data(path)["version"], ada.data("personas")["items"][0]["version"]) == (number - 1, number - 1)
        changed = ada.send("PATCH", path, change).json()["data"]
        assert changed == {**ada.data(path), **change}
        assert changed["version"] == number
    for same in ({}, {"name": " Bard "}, {"is_active": False, "description": "Sings"}):
        assert ada.send("PATCH", path, same).json()["data"] == changed
    assert (ada.names(active="true"), ada.names(active="false")) == ([], ["Bard"])


def test_a_deleted_persona_is_gone_and_what_named_it_stays(ada: Caller) -> None:
    """The preference and the conversation are without it, at once."""
    made = ada.post("personas", {"name": "Poet"})
    ada.post("conversations", {"title": "Verse", "persona_id": made["id"]})
    assert ada.send("PUT", "personas/preference", {"persona_id": made["id"]}).status_code == 200
    assert ada.data("personas/preference")["persona_id"] == ada.data("conversations")["items"][0]["persona_id"]
    gone = ada.send("DELETE", f"personas/{made['id']}")
    assert (gone.status_code, gone.json()) == (200, {"success": True, "data": None})
    assert ada.get(f"personas/{made['id']}").status_code == 404
    assert ada.names() == []
    assert ada.data("personas/preference")["persona_id"] is None
    assert ada.data("conversations")["items"][0]["persona_id"] is None
    assert ada.send("DELETE", f"personas/{made['id']}").status_code == 404


def test_a_persona_that_was_asked_for_too_early_is_there_once_it_is_made(ada: Caller) -> None:
    """ "Not found" is a value, and superseded like any other."""
    made = ada.post("personas", {"name": "Poet"})
    following = made["id"] + 1
    assert [ada.get(f"personas/{following}").status_code for _ in range(2)] == [404, 404]
    assert ada.post("personas", {"name": "Judge"})["id"] == following
    assert ada.data(f"personas/{following}")["name"] == "Judge"


def test_everybody_sees_system_wide_ones_and_their_own(ada: Caller) -> None:
    """Staff see all, and by `created_by` whose they are; a change of a system-wide one reaches everybody's lists."""
    grace, staff = caller("key"), caller("session", staff=True)
    ada.post("personas", {"name": "Ada's"})
    grace.post("personas", {"name": "Grace's"})
    shared = system_wide()
    assert ada.names() == ["Ada's", "Helper"]
    assert grace.names() == ["Grace's", "Helper"]
    assert staff.names() == ["Ada's", "Grace's", "Helper"]
    assert staff.names(created_by=ada.user.pk) == ["Ada's"]
    assert grace.names(created_by=ada.user.pk) == []
    for each in (ada, grace, staff):
        assert each.names(created_by="system") == ["Helper"]
    Persona.objects.filter(pk=shared.pk).update(name="Aide")
    assert ada.names() == ["Ada's", "Aide"]
    assert grace.names() == ["Aide", "Grace's"]
    assert staff.names() == ["Ada's", "Aide", "Grace's"]
    assert ada.data(f"personas/{shared.pk}")["name"] == "Aide"


def test_anothers_persona_leaves_ones_own_lists_cached(ada: Caller) -> None:
    """Its change supersedes the lists that show it: its owner's, and those of staff."""
    staff, grace = caller(staff=True), caller()
    made = grace.post("personas", {"name": "Grace's"})
    preference = "personas/preference"
    for each, path in ((ada, "personas"), (staff, "personas"), (ada, preference), (grace, preference)):
        each.get(path)
        assert each.get(path).json()["cached"] is True
    grace.send("PATCH", f"personas/{made['id']}", {"name": "Changed"})
    grace.send("PUT", preference, {"temperature": 1})
    assert [ada.get(path).json()["cached"] for path in ("personas", preference)] == [True, True]
    assert [each.get("personas").json()["cached"] for each in (staff, grace)] == [False, False]
    assert grace.get(preference).json()["cached"] is False


def test_who_becomes_staff_sees_all_at_once_and_no_longer_when_that_ends(ada: Caller) -> None:
    """Which list it is, is asked with each request."""
    caller().post("personas", {"name": "Grace's"})
    for staff in (True, False, True):
        ada.user.is_staff = staff
        ada.user.save()
        assert ada.names() == (["Grace's"] if staff else [])


def test_pages_have_twenty(ada: Caller) -> None:
    """And say how many there are on all of them; beyond the last there is nothing."""
    Persona.objects.bulk_create(Persona(name=f"P{number:02}", created_by=ada.user) for number in range(41))
    for page, count in ((1, 20), (2, 20), (3, 1), (4, 0)):
        found = ada.data("personas", page=page)
        assert (len(found["items"]), found["total"], found["page"]) == (count, 41, page)
    assert ada.names(ordering="-name", page=3) == ["P00"]
    assert ada.names(q="p4") == ["P40"]
    Persona.objects.filter(name="P40").delete()
    assert (ada.data("personas", page=3)["items"], ada.data("personas", page=1)["total"]) == ([], 40)


def test_there_are_as_many_of_ones_own_as_may_be(ada: Caller) -> None:
    """409 for one more, until one is deleted; others have their own, and the system-wide ones count for nobody."""
    system_wide()
    Persona.objects.bulk_create(Persona(name=f"P{number}", created_by=ada.user) for number in range(MOST_PERSONAS - 1))
    last = ada.post("personas", {"name": "Last"})
    refused = ada.send("POST", "personas", {"name": "One more"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:problem:quota")
    assert str(MOST_PERSONAS) in refused.json()["detail"]
    assert Persona.objects.filter(created_by=ada.user).count() == MOST_PERSONAS
    caller().post("personas", {"name": "One more"})
    ada.send("DELETE", f"personas/{last['id']}")
    ada.post("personas", {"name": "One more"})


def test_words_are_looked_for_as_they_are(ada: Caller) -> None:
    """In names and descriptions, in either case; signs that mean something to a database mean nothing."""
    ada.post("personas", {"name": "100% Poet", "description": "Rhymes_well"})
    ada.post("personas", {"name": "Judge", "description": "poetry"})
    assert ada.names(q="POET") == ["100% Poet", "Judge"]
    assert ada.names(q="0%") == ada.names(q="s_w") == ["100% Poet"]
    assert ada.names(q="%") == ["100% Poet"]
    assert ada.names(q="\\") == ada.names(q="' OR 1=1") == []


def test_a_search_is_limited_and_a_list_is_not(ada: Caller, settings: Any) -> None:
    """By the user, cached or not, whole or its head alone; an empty `q` is none."""
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "search": "2/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}
    answers = [ada.get("personas", q="x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"search";q=2;w=60'
    assert "Retry-After" in answers[2]
    assert ada.send("HEAD", "personas?q=y").status_code == 429
    assert {ada.get("personas", q="").status_code for _ in range(3)} == {200}
    assert caller().get("personas", q="x").status_code == 200


def test_a_name_is_taken_once_by_each(ada: Caller) -> None:
    """In whatever spelling; others may use it, and so may the site."""
    ada.post("personas", {"name": "Zoë"})
    taken = ada.send("POST", "personas", {"name": "Zoe\u0308"})
    assert (taken.status_code, taken.json()["errors"]) == (400, {"name": ["There is a persona of that name."]})
    other = ada.post("personas", {"name": "Joe"})
    assert ada.send("PATCH", f"personas/{other['id']}", {"name": " Zoë"}).status_code == 400
    assert ada.data(f"personas/{other['id']}") == other
    caller().post("personas", {"name": "Zoë"})
    system_wide("Zoë")


def test_a_preference_is_put_whole(ada: Caller) -> None:
    """What is left out gets its default, and it is there at once."""
    defaults = {"user_id": ada.user.pk, "persona_id": None, "temperature": 0.7, "use_documents": False}
    shared = system_wide()
    assert ada.data("personas/preference") == defaults
    for given in ({"persona_id": shared.pk, "temperature": 2}, {"use_documents": True}, {"temperature": 0.0}, {}):
        put = ada.send("PUT", "personas/preference", given)
        assert (put.status_code, put.json()["data"]) == (200, {**defaults, **given})
        assert ada.data("personas/preference") == {**defaults, **given}


def test_what_may_not_be_seen_may_not_be_chosen(ada: Caller) -> None:
    """Another's persona is as one that is not there; staff, who see it, may."""
    theirs = caller().post("personas", {"name": "Theirs"})["id"]
    staff = caller(staff=True)
    for number in (theirs, 999_999):
        for method, path in (("PUT", "personas/preference"), ("POST", "conversations")):
            refused = ada.send(method, path, {"persona_id": number})
            assert (refused.status_code, refused.json()["errors"]) == (
                400,
                {"persona_id": ["There is no such persona."]},
            )
    assert staff.send("PUT", "personas/preference", {"persona_id": theirs}).status_code == 200


def test_a_persona_that_goes_while_it_is_chosen_is_a_400(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at it and the write: the constraint has the last word."""
    made = ada.post("personas", {"name": "Poet"})
    monkeypatch.setattr("assistant.rest.base.usable_by", lambda user, number: True)
    for method, path in (("PUT", "personas/preference"), ("POST", "conversations")):
        Persona.objects.filter(pk=made["id"]).delete()
        refused = ada.send(method, path, {"persona_id": made["id"]})
        assert (refused.status_code, list(refused.json()["errors"])) == (400, ["persona_id"])
