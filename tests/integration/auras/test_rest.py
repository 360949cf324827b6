"""The auras' routes: one entry for all reads, made once, changed by nobody else."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from auras import creating, invalidate_aura
from auras.creating import MOST_AURAS
from auras.models import LONGEST_DESCRIPTION, LONGEST_NAME, Aura
from auras.reading import PAGE_SIZE
from auras.validators import MOST_SETTINGS_BYTES
from cache_platform import DistributedLock
from cache_platform.stores import calls, get_store
from cache_platform.stores import redis as redis_store
from tests.integration.auras.people import CREATE, WAYS, Person, person
from tests.integration.limits.trips import counted_trips

Queries = Callable[[int], AbstractContextManager[Any]]


@pytest.mark.parametrize("way", WAYS)
def test_an_aura_is_made_shown_changed_and_deleted(way: str) -> None:
    """By every way to be somebody; a write's answer is kept nowhere."""
    somebody = person(way)
    answer = somebody.send("POST", CREATE, {"name": " Zoe\u0308 ", "settings": {"voice": "low"}})
    made = answer.json()["data"]
    assert (answer.status_code, answer["Location"]) == (201, f"/api/auras/{made['id']}")
    assert answer["Cache-Control"] == "no-store"
    assert answer.json().keys() == {"success", "data"}
    expected = {"user_id": somebody.user.pk, "name": "Zoë", "description": "", "kind": "agent"}
    assert made == {**made, **expected, "settings": {"voice": "low"}}
    assert somebody.data() == {"items": [made], "total": 1, "page": 1}
    assert somebody.data(f"/{made['id']}") == made
    changed = somebody.send("PATCH", f"/{made['id']}", {"description": "Calm", "settings": {}}).json()["data"]
    assert changed == {**made, "description": "Calm", "settings": {}, "updated_at": changed["updated_at"]}
    assert somebody.data(f"/{made['id']}") == changed
    assert somebody.send("DELETE", f"/{made['id']}").json() == {"success": True, "data": None}
    assert somebody.data()["total"] == 0
    assert somebody.send("GET", f"/{made['id']}").status_code == 404


@pytest.mark.parametrize("way", WAYS)
def test_a_second_read_costs_one_round_trip_and_no_query(
    way: str, django_assert_num_queries: Queries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two round trips by a session; pages and single ones are of the same entry."""
    for module in (calls, redis_store):
        monkeypatch.setattr(module, "MARK_LASTS", 600)
    somebody = person(way)
    made = somebody.make("One")
    store = get_store()
    assert isinstance(store, redis_store.RedisStore)
    store.look_at_outbox()
    assert somebody.send("GET").json()["cached"] is False
    for path in ("", "?page=2", f"/{made['id']}"):
        with django_assert_num_queries(0), counted_trips() as sent:
            answer = somebody.send("GET", path)
        assert (answer.status_code, answer.json()["cached"]) == (200, True)
        assert len(sent) == (2 if way == "session" else 1)
        assert answer["Cache-Status"].startswith("CachePlatform; hit; ttl=")
        assert answer["Cache-Control"] == "private, no-cache"
        assert somebody.send("GET", path, **{"If-None-Match": answer["ETag"]}).status_code == 304


def test_whoever_sends_it_again_gets_the_number_of_what_there_is(ada: Person) -> None:
    """In any spelling; nothing is changed by it."""
    made = ada.make("Zoë", description="first")
    for name in ("Zoë", " Zoe\u0308"):
        answer = ada.send("POST", CREATE, {"name": name, "description": "second"})
        assert (answer.status_code, answer["Location"]) == (409, f"/api/auras/{made['id']}")
        assert answer["Content-Type"] == "application/problem+json"
        body = answer.json()
        assert (body["type"], body["status"], body["existing_id"]) == ("urn:problem:duplicate", 409, made["id"])
    assert ada.data()["items"] == [made]
    ada.make("zoë")  # letters of another case are another name
    person().make("Zoë")  # and so is another's


def test_whoever_sends_it_again_waits_for_no_lock(ada: Person) -> None:
    """Not even while somebody holds it."""
    made = ada.make("One")
    with DistributedLock(f"aura:{ada.user.pk}:One", timeout=10):
        assert ada.send("POST", CREATE, {"name": "One"}).json()["existing_id"] == made["id"]


def test_whoever_cannot_have_the_lock_is_told_to_come_back(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After, and nothing is made."""
    monkeypatch.setattr(creating, "WAIT", 0)
    with DistributedLock(f"aura:{ada.user.pk}:One", timeout=10):
        answer = ada.send("POST", CREATE, {"name": "One"})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:problem:lock")
    assert int(answer["Retry-After"]) >= 1
    assert not Aura.objects.exists()
    ada.make("One")


def test_the_constraint_has_the_last_word(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Against one that was made past the lock, after both looks for it: a 409 with its number."""
    made, look, looks = ada.make("One"), creating.refuse_duplicate, []

    def too_early(user_id: int, name: str) -> None:
        looks.append(name)
        if len(looks) > 2:
            look(user_id, name)

    monkeypatch.setattr(creating, "refuse_duplicate", too_early)
    answer = ada.send("POST", CREATE, {"name": "One"})
    assert (answer.status_code, answer.json()["existing_id"]) == (409, made["id"])
    assert len(looks) == 3


def test_what_was_in_the_way_and_is_gone_is_a_503(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never a 500: sent again, it is made."""
    real = Aura.objects.create

    def beaten(**fields: Any) -> Aura:
        real(**fields)
        return real(**fields)

    monkeypatch.setattr(Aura.objects, "create", beaten)
    assert ada.send("POST", CREATE, {"name": "One"}).status_code == 503
    monkeypatch.undo()
    ada.make("One")


def test_a_name_that_is_taken_is_no_new_name(ada: Person) -> None:
    """409 with the other's number; its own name again is no change."""
    one, other = ada.make("One"), ada.make("Other")
    answer = ada.send("PATCH", f"/{other['id']}", {"name": "One"})
    assert (answer.status_code, answer.json()["existing_id"]) == (409, one["id"])
    assert ada.data(f"/{other['id']}") == other
    assert ada.send("PATCH", f"/{other['id']}", {"name": "Other"}).status_code == 200


def test_there_are_only_so_many(ada: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them stand in one entry. What is there already is still a duplicate."""
    monkeypatch.setattr(creating, "MOST_AURAS", 1)
    ada.make("One")
    answer = ada.send("POST", CREATE, {"name": "Two"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:problem:quota")
    assert ada.send("POST", CREATE, {"name": "One"}).json()["type"] == "urn:problem:duplicate"


def test_as_many_as_there_can_be_are_one_entry(ada: Person) -> None:
    """Of the largest there are, of which nothing can be compressed: who has all of them is answered from the cache."""
    letters = random.Random(7)
    for number in range(MOST_AURAS):
        text = "".join(chr(letters.randrange(0x20000, 0x2A6D0)) for _ in range(LONGEST_DESCRIPTION))
        settings = {"x": b64encode(letters.randbytes(MOST_SETTINGS_BYTES)).decode()[: MOST_SETTINGS_BYTES - 8]}
        fields = {"name": f"{number}" + text[: LONGEST_NAME - 3], "description": text, "settings": settings}
        aura = Aura(user=ada.user, **fields)
        aura.full_clean()
        aura.save()
    assert [ada.send("GET", "").json()["cached"] for _ in range(2)] == [False, True]


def test_the_newest_stand_first_on_pages_of_twenty(ada: Person) -> None:
    """Beyond the last there is nothing."""
    for number in range(PAGE_SIZE + 1):
        Aura.objects.create(user=ada.user, name=f"{number:02}")
    assert ada.names() == [f"{number:02}" for number in range(PAGE_SIZE, 0, -1)]
    assert ada.data("?page=2") == {**ada.data("?page=2"), "total": PAGE_SIZE + 1, "page": 2}
    assert ada.names("?page=2") == ["00"]
    assert ada.names("?page=3") == []


@pytest.mark.parametrize("page", ["0", "-1", "51", "1.0", "one", "٣", "9" * 5000])
def test_what_is_no_page_is_a_problem(ada: Person, page: str) -> None:
    """By field."""
    answer = ada.send("GET", f"?page={page}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["page"])


def test_attempts_are_limited_by_user(ada: Person, settings: Any) -> None:
    """Those that made nothing too; reads and other people are not."""
    limits = {**settings.CACHE_PLATFORM["RATE_LIMITS"], "auras": "2/60s"}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": limits}
    codes = [ada.send("POST", CREATE, {"name": "One"}).status_code for _ in range(3)]
    assert codes == [201, 409, 429]
    assert ada.send("GET").status_code == 200
    person().make("One")


def test_writes_that_the_orm_did_not_see_are_told(ada: Person) -> None:
    """Of a row that is there, and of one that is gone."""
    made = ada.make("One")
    with connection.cursor() as cursor:
        assert ada.names() == ["One"]
        cursor.execute("UPDATE auras_aura SET name = 'Two' WHERE id = %s", [made["id"]])
        assert invalidate_aura(made["id"]) == 1
        assert ada.names() == ["Two"]
        cursor.execute("DELETE FROM auras_aura WHERE id = %s", [made["id"]])
        invalidate_aura(made["id"])
        assert ada.names() == []


def test_a_user_who_is_gone_makes_nothing(ada: Person) -> None:
    """Deleted between the authentication and the creation."""
    number = ada.user.pk
    get_user_model().objects.filter(pk=number).delete()
    with pytest.raises(LookupError):
        creating.create_aura(number, name="One")
