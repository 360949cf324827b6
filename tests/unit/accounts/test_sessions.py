"""Sessions: rows that are read through the cache, under keys that nobody can make up or steal from the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.core.management import call_command
from django.db import DatabaseError, IntegrityError
from django.test import Client
from django.utils import timezone

from accounts.models import Session, User
from accounts.models.user import new_nonce
from accounts.sessions.cached_db import SEEN_EVERY, SessionStore
from accounts.sessions.keys import RANDOM_LENGTH, new_key, row_key_of
from accounts.sign_ins import active_sessions, change_password, end_session, sign_out_everywhere
from cache_platform.stores.memory import MemoryStore, wall_clock_ms
from cache_platform.testing import FakeClock, failing_store, isolated_cache

pytestmark = pytest.mark.django_db

PRIVATE = "/api/profile"


@pytest.fixture
def clock() -> FakeClock:
    """The cache's clock, which begins at the present."""
    return FakeClock(wall_clock_ms())


@pytest.fixture(autouse=True)
def cache(clock: FakeClock) -> Iterator[MemoryStore]:
    """An empty cache for each test."""
    with isolated_cache(clock) as memory:
        yield memory


@pytest.fixture
def user() -> User:
    """Somebody."""
    return User.objects.create_user("mary", password="a-secret")


@pytest.fixture
def stored() -> SessionStore:
    """A session that holds something and is saved."""
    store = SessionStore()
    store["colour"] = "green"
    store.save()
    return store


def opened(key: str | None) -> SessionStore:
    """The session that a request with this cookie gets."""
    return SessionStore(key)


def signed_in(user: User) -> Client:
    """A browser in which `user` is signed in."""
    client = Client()
    client.force_login(user)
    return client


# Keys


def test_a_key_says_that_it_was_made_here() -> None:
    """Two keys never lead to one row, and each to its own."""
    first, second = new_key(), new_key()
    assert row_key_of(first) == row_key_of(first) != row_key_of(second)


FORGED: dict[str, Callable[[str], str]] = {
    "empty": lambda key: "",
    "short": lambda key: "abcdefgh",
    "made up": lambda key: "a" * len(key),
    "cut": lambda key: key[:-1],
    "longer": lambda key: key + "0",
    "in capitals": lambda key: key.upper(),
    "with a MAC made up": lambda key: key[:RANDOM_LENGTH] + "0" * 16,
    "with another's MAC": lambda key: key[:RANDOM_LENGTH] + new_key()[RANDOM_LENGTH:],
    "not ASCII": lambda key: "é" * len(key),
    "NUL": lambda key: "\0" * len(key),
    "huge": lambda key: key * 20_000,
    "with a line break": lambda key: f"{key}\n",
}


@pytest.mark.parametrize("how", FORGED)
def test_a_key_that_was_made_up_is_no_key(how: str, django_assert_num_queries: Any) -> None:
    """Neither the database nor the cache is asked, so guessing costs the site nothing and fills nothing."""
    forged = FORGED[how](new_key())
    with django_assert_num_queries(0), failing_store("nothing") as asked:
        session = opened(forged)
        assert session.session_key is None
        assert session.get("colour") is None
        assert session.is_empty()
        assert asked.calls == []
    assert not session.exists(forged)


def test_the_table_and_the_cache_do_not_hold_the_key(stored: SessionStore, cache: MemoryStore) -> None:
    """Who reads a backup of either cannot sign in with it."""
    key = str(stored.session_key)
    assert opened(key)["colour"] == "green"
    names = cache.scan("*")
    assert any("accounts.session" in name for name in names)
    assert not any(key[:RANDOM_LENGTH] in name for name in names)
    row = Session.objects.get()
    assert key[:RANDOM_LENGTH] not in str(vars(row))


def test_sessions_outlive_a_new_secret_key(user: User, settings: Any) -> None:
    """The operator moves SECRET_KEY to SECRET_KEY_FALLBACKS; nobody is logged out, and the session gets a new key."""
    client = signed_in(user)
    before = client.cookies["sessionid"].value
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret-key-of-the-operator-0123456789-abcdefghij"
    assert client.get(PRIVATE).status_code == 200
    after = client.cookies["sessionid"].value
    assert after != before
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(PRIVATE).status_code == 200
    assert row_key_of(before) is None


def test_without_the_fallback_a_new_secret_key_ends_all_sessions(user: User, settings: Any) -> None:
    """That is how an operator whose key leaked signs everybody out."""
    client = signed_in(user)
    settings.SECRET_KEY = "another-secret-key-of-the-operator-0123456789-abcdefghij"
    assert client.get(PRIVATE).status_code == 401


# Reading


def test_the_second_read_costs_no_query(stored: SessionStore, django_assert_num_queries: Any) -> None:
    """It comes from the cache."""
    assert opened(stored.session_key)["colour"] == "green"
    with django_assert_num_queries(0):
        assert opened(stored.session_key)["colour"] == "green"


def test_a_change_is_seen_by_the_next_request(stored: SessionStore) -> None:
    """Also when the entry was warm, and when a plain update made the change."""
    reader = opened(stored.session_key)
    assert reader["colour"] == "green"
    stored["colour"] = "red"
    stored.save()
    assert opened(stored.session_key)["colour"] == "red"
    Session.objects.update(session_data=stored.encode({"colour": "blue"}))
    assert opened(stored.session_key)["colour"] == "blue"


@pytest.mark.parametrize("how", ["delete", "flush", "queryset", "own"])
def test_an_ended_session_is_over_for_the_next_request(stored: SessionStore, how: str) -> None:
    """However it was ended, and although its entry was warm."""
    key = stored.session_key
    assert opened(key)["colour"] == "green"
    if how == "delete":
        opened(None).delete(key)
    elif how == "flush":
        opened(key).flush()
    elif how == "queryset":
        Session.objects.all().delete()
    else:
        stored.delete()
    after = opened(key)
    assert after.get("colour") is None
    assert after.session_key is None


def test_an_unknown_key_is_never_taken_over() -> None:
    """A key that was made here and has no session: what is stored goes under another one, so nobody can choose the
    key that somebody else will sign in with."""
    planted = new_key()
    session = opened(planted)
    session["colour"] = "green"
    session.save()
    assert session.session_key not in {None, planted}
    assert opened(planted).get("colour") is None


def test_an_expired_session_is_over(stored: SessionStore) -> None:
    """Although its row is still there."""
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert opened(stored.session_key).get("colour") is None
    assert Session.objects.count() == 1


def test_an_entry_does_not_outlive_its_session(stored: SessionStore, clock: FakeClock) -> None:
    """A session that ends in the middle of the entry's life is over at its end, not at the entry's."""
    stored.set_expiry(60)
    stored.save()
    key = stored.session_key
    assert opened(key)["colour"] == "green"
    later = timezone.now() + timedelta(seconds=61)
    clock.advance(61)
    with mock.patch("accounts.sessions.cached_db.timezone.now", return_value=later):
        assert opened(key).get("colour") is None


def test_what_was_planted_in_a_row_counts_as_nothing(stored: SessionStore) -> None:
    """What a session holds is signed."""
    Session.objects.update(session_data="eyJjb2xvdXIiOiJyZWQifQ:1abcde:not-a-signature")
    assert opened(stored.session_key).get("colour") is None


def test_clearsessions_deletes_those_that_have_expired(stored: SessionStore) -> None:
    """Django's own command works on these rows."""
    gone = SessionStore()
    gone.save()
    Session.objects.filter(pk=row_key_of(gone.session_key)).update(expire_date=timezone.now() - timedelta(days=1))
    call_command("clearsessions")
    assert [row.pk for row in Session.objects.all()] == [row_key_of(stored.session_key)]


def test_a_row_knows_its_engine_and_what_it_holds(stored: SessionStore) -> None:
    """Django's interface of session rows."""
    row = Session.objects.get()
    assert row.get_session_store_class() is SessionStore
    assert row.get_decoded() == {"colour": "green"}


# Writing


def test_a_session_that_was_ended_meanwhile_is_not_brought_back(stored: SessionStore) -> None:
    """A request that was under way when its user signed out elsewhere."""
    under_way = opened(stored.session_key)
    assert under_way["colour"] == "green"
    stored.delete()
    under_way["colour"] = "red"
    with pytest.raises(UpdateError):
        under_way.save()
    assert not Session.objects.exists()


def test_a_key_is_never_used_twice(stored: SessionStore) -> None:
    """What Django's interface promises of `must_create`."""
    twin = opened(stored.session_key)
    with pytest.raises(CreateError):
        twin.save(must_create=True)
    assert opened(stored.session_key)["colour"] == "green"


def test_a_session_of_a_user_who_was_deleted_meanwhile_is_over(stored: SessionStore) -> None:
    """Not an error of the database: the request is told that its session has ended."""
    failure = IntegrityError("FOREIGN KEY constraint failed")
    with mock.patch("django.db.models.query.QuerySet.update", side_effect=failure), pytest.raises(UpdateError):
        stored.save()


def test_a_database_that_fails_is_not_taken_for_an_ended_session(stored: SessionStore) -> None:
    """Django's own engine reports any failure as "your session was deleted"."""
    with (
        mock.patch("django.db.models.query.QuerySet.update", side_effect=DatabaseError("disk full")),
        pytest.raises(DatabaseError, match="disk full"),
    ):
        stored.save()


def test_a_new_key_moves_the_session(stored: SessionStore) -> None:
    """At sign-in, against fixation: the old key is over at once, the session goes on under the new one."""
    old = stored.session_key
    stored.signed_in_from(user_agent="Firefox", address="192.0.2.1")
    stored.save()
    moved = opened(old)
    moved.cycle_key()
    assert moved.modified
    assert opened(old).get("colour") is None
    assert opened(moved.session_key)["colour"] == "green"
    assert Session.objects.get().user_agent == "Firefox"


def test_a_new_key_for_a_session_that_was_ended_makes_a_new_row(stored: SessionStore) -> None:
    """As after a password change, which ends all sessions and then begins this one anew."""
    mine = opened(stored.session_key)
    assert mine["colour"] == "green"
    Session.objects.all().delete()
    mine.cycle_key()
    assert opened(mine.session_key)["colour"] == "green"
    assert opened(stored.session_key).get("colour") is None


def test_a_new_key_for_no_session_makes_one() -> None:
    """The first thing that a sign-in does in a browser without a cookie."""
    session = opened(None)
    session.cycle_key()
    assert session.session_key is not None
    assert opened(session.session_key).exists(session.session_key)


def test_the_asynchronous_twins_do_the_same(stored: SessionStore, cache: MemoryStore) -> None:
    """Under ASGI Django calls these; its own would look for the key itself."""
    session = opened(stored.session_key)
    assert async_to_sync(session.aget)("colour") == "green"
    assert async_to_sync(session.aexists)(session.session_key)
    async_to_sync(session.acycle_key)()
    async_to_sync(session.aset)("colour", "red")
    async_to_sync(session.asave)()
    assert opened(session.session_key)["colour"] == "red"
    other = opened(None)
    async_to_sync(other.acreate)()
    async_to_sync(session.adelete)(session.session_key)
    assert [row.pk for row in Session.objects.all()] == [row_key_of(other.session_key)]
    assert opened(stored.session_key).get("colour") is None


# Last seen


def test_last_seen_is_written_every_few_minutes_only(stored: SessionStore, django_assert_num_queries: Any) -> None:
    """Not for each request, and without a new load of the entry."""
    long_ago = timezone.now() - 2 * SEEN_EVERY
    Session.objects.update(last_seen=long_ago)
    assert opened(stored.session_key)["colour"] == "green"
    seen = Session.objects.get().last_seen
    assert seen > long_ago + SEEN_EVERY
    with django_assert_num_queries(0):
        assert opened(stored.session_key)["colour"] == "green"
    Session.objects.update(session_data=stored.encode({"colour": "red"}))  # has it loaded again
    with django_assert_num_queries(1):
        assert opened(stored.session_key)["colour"] == "red"
    assert Session.objects.get().last_seen == seen


def test_nobody_is_refused_because_last_seen_cannot_be_written(stored: SessionStore) -> None:
    """A database that takes no writes at the moment."""
    Session.objects.update(last_seen=timezone.now() - 2 * SEEN_EVERY)
    with mock.patch("django.db.models.query.QuerySet.update", side_effect=DatabaseError("read-only")):
        assert opened(stored.session_key)["colour"] == "green"


# Signing in and out


def test_a_sign_in_says_where_it_came_from(user: User) -> None:
    """The browser's own words, cut and without control characters, and the address as callers are known by."""
    client = Client(HTTP_USER_AGENT="Mozilla/5.0\x00\x1b[31m" + "x" * 500, REMOTE_ADDR="2001:db8:1:2:3:4:5:6")
    answer = client.post("/accounts/login/", {"username": "mary", "password": "a-secret"})
    assert answer.status_code == 302
    row = Session.objects.get()
    assert (row.user_id, row.address) == (user.pk, "2001:db8:1:2::")
    assert row.user_agent.startswith("Mozilla/5.0[31mxxx")
    assert len(row.user_agent) == 200


def test_an_anonymous_session_is_nobodys(stored: SessionStore) -> None:
    """It belongs to a user from the sign-in on."""
    assert Session.objects.get().user is None


def test_signing_in_gives_a_new_key(user: User) -> None:
    """An earlier key, which somebody may have planted, is worth nothing afterwards."""
    client = Client()
    planted = SessionStore()
    planted["colour"] = "green"
    planted.save()
    client.cookies["sessionid"] = str(planted.session_key)
    client.post("/accounts/login/", {"username": "mary", "password": "a-secret"})
    assert client.cookies["sessionid"].value != planted.session_key
    assert opened(planted.session_key).get(SESSION_KEY) is None
    assert client.get(PRIVATE).status_code == 200


def test_a_cookie_of_no_session_is_taken_back() -> None:
    """So that the browser stops sending it."""
    client = Client()
    client.cookies["sessionid"] = new_key()
    answer = client.get(PRIVATE)
    assert answer.status_code == 401
    assert answer.cookies["sessionid"]["max-age"] == 0


def test_a_signed_in_request_costs_no_query(user: User, django_assert_num_queries: Any) -> None:
    """Session, user and permissions come from the cache; so does the profile."""
    client = signed_in(user)
    assert client.get(PRIVATE).json()["cached"] is False
    with django_assert_num_queries(0):
        assert client.get(PRIVATE).json()["cached"] is True


ENDINGS = {
    "signed out": lambda user, client: client.post("/accounts/logout/"),
    "signed out everywhere": lambda user, client: sign_out_everywhere(user),
    "new nonce": lambda user, client: User.objects.filter(pk=user.pk).update(session_nonce=new_nonce()),
    "password changed": lambda user, client: change_password(user, "another-secret"),
    "password set on the row": lambda user, client: (user.set_password("another-secret"), user.save()),
    "password in a bulk update": lambda user, client: User.objects.update(password="unusable"),
    "deactivated": lambda user, client: User.objects.filter(pk=user.pk).update(is_active=False),
    "user deleted": lambda user, client: user.delete(),
    "session deleted": lambda user, client: Session.objects.all().delete(),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_session_ends_with_the_next_request(user: User, ending: str) -> None:
    """Although session and user are warm in the cache."""
    client = signed_in(user)
    key = client.cookies["sessionid"].value
    assert client.get(PRIVATE).status_code == 200
    ENDINGS[ending](user, client)
    client.cookies["sessionid"] = key  # a sign-out takes it from an honest browser
    assert client.get(PRIVATE).status_code == 401


def test_active_sessions_are_listed_for_their_user(user: User) -> None:
    """The newest first, the asking one marked, neither expired ones nor those of others."""
    other = User.objects.create_user("percy")
    signed_in(other)
    gone, phone, laptop = signed_in(user), signed_in(user), signed_in(user)
    expired = row_key_of(gone.cookies["sessionid"].value)
    Session.objects.filter(pk=expired).update(expire_date=timezone.now() - timedelta(minutes=1))
    older = row_key_of(phone.cookies["sessionid"].value)
    Session.objects.filter(pk=older).update(last_seen=timezone.now() - timedelta(hours=1))
    listed = active_sessions(user, current_key=laptop.cookies["sessionid"].value)
    assert [session.current for session in listed] == [True, False]
    assert listed[1].id == older
    assert listed[0].expires > timezone.now()


def test_one_session_is_ended_by_its_user_alone(user: User) -> None:
    """An id of somebody else's session, or of none, ends nothing."""
    other = User.objects.create_user("percy")
    mine, theirs = signed_in(user), signed_in(other)
    [session] = active_sessions(user)
    assert not end_session(other, session.id)
    for nothing in ("", "\0" * 40, "0" * 40, session.id + "\n", "x" * 10_000):
        assert not end_session(user, nothing)
    assert mine.get(PRIVATE).status_code == 200
    assert end_session(user, session.id)
    assert mine.get(PRIVATE).status_code == 401
    assert theirs.get(PRIVATE).status_code == 200


def test_signing_out_everywhere_says_how_many_there_were(user: User) -> None:
    """And leaves others alone."""
    other = User.objects.create_user("percy")
    signed_in(user), signed_in(user)
    theirs = signed_in(other)
    assert sign_out_everywhere(user) == 2
    assert active_sessions(user) == []
    assert theirs.get(PRIVATE).status_code == 200


def test_a_password_change_that_is_rolled_back_ends_nothing(user: User) -> None:
    """All of it or none: the password, the nonce and the sessions."""
    client = signed_in(user)
    with (
        mock.patch("django.db.models.query.QuerySet.delete", side_effect=DatabaseError("disk full")),
        pytest.raises(DatabaseError),
    ):
        change_password(User.objects.get(pk=user.pk), "another-secret")
    fresh = User.objects.get(pk=user.pk)
    assert (fresh.password, fresh.session_nonce) == (user.password, user.session_nonce)
    assert client.get(PRIVATE).status_code == 200
