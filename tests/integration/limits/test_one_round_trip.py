"""What an authenticated, limited hit costs: one round trip and no query; a session's, two."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import Profile
from cache_platform import invalidate
from cache_platform.stores import calls, get_store
from cache_platform.stores import redis as redis_store
from tests.conftest import use_redis
from tests.integration.accounts.credentials import empty_redis, make_key, post, sign_in
from tests.integration.limits.trips import counted_trips
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
Queries = Callable[[int], AbstractContextManager[Any]]
LIMITED = "/limited/profile"
LIMITS = {"auth": "5/900s", "auth_address": "100/900s"}


class Person:
    """Somebody with a token, a key and a session."""

    def __init__(self) -> None:
        self.signed_in = sign_in(Client())
        self.user = self.signed_in.user
        self.key = make_key(Client(), self.signed_in, scopes=["read", "write"])["key"]
        self.browser = Client()
        self.browser.force_login(self.user)

    def asks(self, way: str, path: str = LIMITED, method: str = "get", **headers: str) -> HttpResponse:
        """The answer to a request that is authenticated in that way."""
        if way == "session":
            return getattr(self.browser, method)(path, headers=headers)
        credential = self.signed_in.bearer if way == "token" else {"X-API-Key": self.key}
        return getattr(Client(), method)(path, headers={**credential, **headers})


@pytest.fixture
def person(empty_redis: RedisUnderTest, transactional_db: None, settings: Any, monkeypatch: Any) -> Person:
    """On a site whose relay has looked at the outbox a moment ago; that moment lasts for the test."""
    settings.ROOT_URLCONF = "tests.integration.limits.limited_urls"
    for module in (calls, redis_store):
        monkeypatch.setattr(module, "MARK_LASTS", 600)
    store = get_store()
    assert isinstance(store, redis_store.RedisStore)
    store.look_at_outbox()
    return Person()


def limit(settings: Any, text: str) -> None:
    """Have the limit of the routes be this one."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": {**LIMITS, "search": text}}


def remaining(answer: HttpResponse) -> int:
    """What the answer says is left of the limit."""
    return int(answer["RateLimit"].partition("r=")[2].partition(";")[0])


@pytest.mark.parametrize(("way", "trips"), [("token", 1), ("key", 1), ("session", 2)])
@pytest.mark.parametrize("path", [LIMITED, "/limited/twice", "/api/profile"])
def test_a_hit_costs_one_round_trip_and_no_query(
    person: Person, way: str, trips: int, path: str, django_assert_num_queries: Queries
) -> None:
    """Token, limits, generations and entry together; of a session, first whose it is."""
    person.asks(way, path)
    with counted_trips() as sent, django_assert_num_queries(0):
        answer = person.asks(way, path)
    assert (answer.status_code, answer.json()["cached"]) == (200, True)
    assert len(sent) == trips
    assert ("RateLimit" in answer) is (path != "/api/profile")


@pytest.mark.parametrize(("way", "trips"), [("token", 1), ("key", 1)])
def test_a_refusal_costs_no_more(
    person: Person, way: str, trips: int, settings: Any, django_assert_num_queries: Queries
) -> None:
    """Whoever is over the limit must not cost more than those who are not."""
    limit(settings, "1/60s")
    assert person.asks(way).status_code == 200
    with counted_trips() as sent, django_assert_num_queries(0):
        answer = person.asks(way)
    assert (answer.status_code, answer["Retry-After"]) == (429, "60")
    assert len(sent) == trips


@pytest.mark.parametrize(("way", "trips"), [("token", 1), ("key", 2)])
def test_a_write_is_authenticated_and_limited_in_one_round_trip(person: Person, way: str, trips: int) -> None:
    """By key in two: one that may not write must not hold a slot of its owner's."""
    person.asks(way, "/limited/write", "post")
    with counted_trips() as sent:
        answer = person.asks(way, "/limited/write", "post")
    assert answer.status_code == 200
    assert len(sent) == trips


@pytest.mark.parametrize("way", ["token", "key", "session"])
def test_each_request_takes_one_slot(person: Person, way: str, settings: Any) -> None:
    """Whether its entries were there or not; three are admitted, in whatever state the cache is."""
    limit(settings, "3/60s")
    assert remaining(person.asks(way)) == 2
    assert remaining(person.asks(way)) == 1
    invalidate(f"credentials:{person.user.pk}", f"user:{person.user.pk}")
    assert remaining(person.asks(way)) == 0
    assert person.asks(way).status_code == 429


def test_a_revoked_token_uses_up_nobodys_limit(person: Person, settings: Any) -> None:
    """Its holder is refused, and the user has as many requests as before."""
    limit(settings, "3/60s")
    stolen = sign_in(Client(), person.user)
    thief = Client(headers=stolen.bearer)
    assert remaining(thief.get(LIMITED)) == 2
    assert post(Client(), "/api/auth/logout", {"refresh": stolen.refresh}).status_code == 200
    with counted_trips() as sent:
        codes = {thief.get(LIMITED).status_code for _ in range(6)}
    assert codes == {401}
    assert not [command for command in sent if b"limit:search" in repr(command).encode() and b"ZREM" in command]
    assert remaining(person.asks("token")) == 1


def test_a_key_that_may_not_write_holds_no_slot(person: Person, settings: Any) -> None:
    """Not even for a moment: enough requests at once would be all slots that its owner has."""
    limit(settings, "2/60s")
    key = make_key(Client(), person.signed_in, scopes=["read"])["key"]
    reader = Client(headers={"X-API-Key": key})
    assert remaining(reader.get(LIMITED)) == 1
    with counted_trips() as sent:
        assert {reader.post("/limited/write").status_code for _ in range(3)} == {403}
    assert "limit:search" not in repr(sent)
    assert remaining(reader.get(LIMITED)) == 0


def test_a_request_that_is_refused_otherwise_gives_its_slot_back(person: Person, settings: Any) -> None:
    """Its throttle is not asked, so the slot that was taken ahead is free again."""
    limit(settings, "2/60s")
    person.asks("token", "/limited/staff")
    with counted_trips() as sent:
        assert person.asks("token", "/limited/staff").status_code == 403
    assert len(sent) == 2
    assert remaining(person.asks("token")) == 1


@pytest.mark.parametrize("way", ["token", "key", "session"])
def test_who_is_not_let_in_writes_nothing(person: Person, way: str, redis_cache: RedisUnderTest) -> None:
    """What the request would read is looked at without making anything up."""
    path = "/limited/profile"
    assert person.asks(way, path).status_code == 200
    person.user.is_active = False
    person.user.save()
    person.asks(way, path)
    with redis_cache.client() as raw:
        raw.delete(*raw.scan_iter("cp:tag:user:*"))
        assert person.asks(way, path).status_code == 401
        assert not list(raw.scan_iter("cp:tag:user:*"))


def test_what_was_read_ahead_is_never_older_than_a_write(person: Person) -> None:
    """Every change is in the first answer after it, by whatever way it is asked for."""
    for number, way in enumerate(["token", "key", "session"] * 3):
        assert person.asks(way).status_code == 200
        Profile.objects.update_or_create(user=person.user, defaults={"display_name": f"name {number}"})
        answer = person.asks(way).json()
        assert (answer["data"]["display_name"], answer["cached"]) == (f"name {number}", False)


def test_a_user_who_was_locked_out_is_out(person: Person) -> None:
    """Reading ahead lets nobody in: the next request of every way is refused."""
    for way in ("token", "key", "session"):
        assert person.asks(way).status_code == 200
    person.user.is_active = False
    person.user.save()
    assert [person.asks(way).status_code for way in ("token", "key", "session")] == [401, 401, 401]


def test_with_limits_on_another_server_each_is_asked_once(
    person: Person,
    redis_cache: RedisUnderTest,
    state_redis: RedisUnderTest,
    settings: Any,
    django_assert_num_queries: Queries,
) -> None:
    """One round trip for each Redis that is involved, and no slot on the entries' one."""
    use_redis(settings, redis_cache.url, state=state_redis.url)
    person.asks("token")
    with counted_trips() as sent, django_assert_num_queries(0):
        answer = person.asks("token")
    assert answer.json()["cached"] is True
    assert len(sent) == 2
    with redis_cache.client() as entries, state_redis.client() as state:
        assert (len(list(entries.scan_iter("cp:limit:*"))), len(list(state.scan_iter("cp:limit:search:*")))) == (0, 1)
