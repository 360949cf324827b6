"""Sessions and private reads on a real Redis, in one process and in two."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.core.cache import caches
from django.db import connection, transaction
from django.test import Client

from accounts.models import Profile, Session, Subscription
from accounts.profiles import read_profile
from accounts.sessions.keys import RANDOM_LENGTH
from accounts.sign_ins import change_password
from accounts.subscriptions import change_subscription, read_subscription
from cache_platform import invalidate_user
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.site import PASSWORD, SiteUnderTest

ROUTES = ("/api/profile", "/api/subscription")


class RolledBack(Exception):
    """What undoes a transaction."""


@pytest.fixture
def mary(redis_cache: RedisUnderTest, transactional_db: None) -> Any:
    """Somebody, with a cache on an empty Redis and a connection to it that is new."""
    caches["default"].client.get_client().connection_pool.disconnect()
    return get_user_model().objects.create_user("mary", first_name="Mary")


@pytest.fixture
def client(mary: Any) -> Client:
    """A browser in which Mary is signed in."""
    browser = Client()
    browser.force_login(mary)
    return browser


def key_of(client: Client) -> str:
    """The key in the browser's cookie."""
    return str(client.cookies["sessionid"].value)


# One process


@pytest.mark.parametrize("path", ROUTES)
def test_the_second_read_asks_no_database(client: Client, mary: Any, path: str, django_assert_num_queries: Any) -> None:
    """Neither for the session, nor for the user, nor for what is read."""
    invalidate_user(mary.pk)  # what the sign-in has warmed
    assert client.get(path).json()["cached"] is False
    with django_assert_num_queries(0):
        assert client.get(path).json()["cached"] is True


def test_a_change_that_is_rolled_back_shows_to_nobody(mary: Any) -> None:
    """Neither while it lasts, to others, nor afterwards; in its own transaction it does."""
    assert read_subscription(user_id=mary.pk).value.plan == "free"
    with suppress(RolledBack), transaction.atomic():
        change_subscription(user_id=mary.pk, plan="team")
        assert read_subscription(user_id=mary.pk).value.plan == "team"
        raise RolledBack
    assert read_subscription(user_id=mary.pk).value.plan == "free"
    assert not Subscription.objects.exists()


def test_a_profile_moved_in_bulk_shows_at_both(mary: Any) -> None:
    """One statement takes it from one user to another."""
    percy = get_user_model().objects.create_user("percy")
    Profile.objects.create(user=mary, display_name="Wandering")
    for user in (mary, percy, mary, percy):
        read_profile(user_id=user.pk)
    Profile.objects.update(user=percy)
    assert read_profile(user_id=mary.pk).value.display_name == "Mary"
    assert read_profile(user_id=percy.pk).value.display_name == "Wandering"


def test_emptying_redis_logs_nobody_out(client: Client, redis_server: RedisUnderTest) -> None:
    """The sessions are in the database."""
    assert client.get("/api/profile").status_code == 200
    redis_server.flush()
    assert client.get("/api/profile").status_code == 200


def test_without_redis_people_stay_signed_in_and_can_sign_out(client: Client, redis_server: RedisUnderTest) -> None:
    """Sessions, users and profiles come from the database meanwhile."""
    assert client.get("/api/profile").status_code == 200
    redis_server.kill()
    assert client.get("/api/profile").json()["cached"] is False
    key = key_of(client)
    client.post("/accounts/logout/")
    client.cookies["sessionid"] = key
    assert client.get("/api/profile").status_code == 401
    redis_server.start()
    assert client.get("/api/profile").status_code == 401


def test_no_key_is_in_redis_or_the_database(client: Client, redis_server: RedisUnderTest) -> None:
    """Searched in all keys and values, and in every row of every table."""
    for path in ROUTES * 2:
        assert client.get(path).status_code == 200
    key = key_of(client)
    kept = dump_of_redis(redis_server)
    assert b"accounts.session" in kept
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            kept += repr(cursor.fetchall()).encode()
    assert Session.objects.get().pk.encode() in kept
    assert key.encode() not in kept
    assert key[:RANDOM_LENGTH].encode() not in kept


def dump_of_redis(server: RedisUnderTest) -> bytes:
    """Every key, and what is under it."""
    with server.client() as connected:
        return b"\n".join(key + (connected.dump(key) or b"") for key in connected.scan_iter())


# Two processes


@pytest.fixture(scope="module")
def sites(shared_site: SiteFactory) -> tuple[SiteUnderTest, SiteUnderTest]:
    """Two processes of the site on one database and one Redis. The last test that has them changes a password."""
    one = shared_site(workers=1)
    return one, shared_site(workers=1, DATABASE_URL=one.environment["DATABASE_URL"])


def sign_in(site: SiteUnderTest, username: str) -> dict[str, str]:
    """The cookies of a browser after signing in on the page."""
    with httpx.Client(base_url=site.url, trust_env=False, verify=False) as browser:
        token = browser.get("/accounts/login/").cookies["csrftoken"]
        form = {"username": username, "password": PASSWORD, "csrfmiddlewaretoken": token}
        assert browser.post("/accounts/login/", data=form).status_code == 302
        return dict(browser.cookies)


def read(site: SiteUnderTest, cookies: dict[str, str], path: str = "/api/profile") -> httpx.Response:
    """A read by the browser with these cookies."""
    return httpx.get(site.url + path, cookies=cookies, trust_env=False, verify=False)


def patch(site: SiteUnderTest, cookies: dict[str, str], path: str, **body: Any) -> httpx.Response:
    """A change by that browser."""
    headers = {"X-CSRFToken": cookies["csrftoken"], "Content-Type": "application/json"}
    return httpx.patch(site.url + path, cookies=cookies, headers=headers, content=json.dumps(body), trust_env=False)


def post(site: SiteUnderTest, cookies: dict[str, str], path: str, **form: str) -> httpx.Response:
    """A form sent by that browser."""
    return httpx.post(
        site.url + path,
        cookies=cookies,
        data={**form, "csrfmiddlewaretoken": cookies["csrftoken"]},
        trust_env=False,
        verify=False,
    )


def test_a_change_on_one_process_shows_in_the_next_read_on_the_other(
    sites: tuple[SiteUnderTest, SiteUnderTest],
) -> None:
    """Both had the old state warm, and each gets its turn at changing."""
    one, other = sites
    ada = sign_in(one, "ada")
    for number, (writer, reader) in enumerate([(one, other), (other, one)] * 3):
        assert [read(each, ada).status_code for each in (one, other, one, other)] == [200] * 4
        assert read(reader, ada).json()["cached"] is True
        name, plan = f"Ada {number}", ("pro", "team")[number % 2]
        assert patch(writer, ada, "/api/profile", display_name=name).status_code == 200
        assert patch(writer, ada, "/api/subscription", plan=plan).status_code == 200
        assert read(reader, ada).json()["data"]["display_name"] == name
        assert read(reader, ada, "/api/subscription").json()["data"]["plan"] == plan


def test_what_ends_a_session_on_one_process_ends_it_on_the_other(sites: tuple[SiteUnderTest, SiteUnderTest]) -> None:
    """With the next request, although it was warm there: signing out, one of several, everywhere, a new password."""
    one, other = sites
    graces, laptop, phone = sign_in(one, "grace"), sign_in(one, "ada"), sign_in(other, "ada")
    assert [read(other, each).status_code for each in (graces, laptop, phone) * 2] == [200] * 6
    assert post(one, laptop, "/accounts/logout/").status_code == 302
    assert [read(other, each).status_code for each in (graces, laptop, phone)] == [200, 401, 200]

    laptop = sign_in(one, "ada")
    assert read(other, laptop).status_code == 200
    assert post(one, laptop, "/accounts/sessions/", do="end-all").status_code == 302
    assert [read(other, each).status_code for each in (graces, laptop, phone)] == [200, 401, 401]

    laptop, phone, new = sign_in(one, "ada"), sign_in(one, "ada"), "another secret 42"
    assert [read(other, each).status_code for each in (laptop, phone)] == [200, 200]
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    answer = post(one, laptop, "/accounts/password/", **form)
    assert answer.status_code == 302
    assert [read(each, phone).status_code for each in sites] == [401, 401]
    assert [read(each, laptop).status_code for each in sites] == [401, 401]
    goes_on = laptop | dict(answer.cookies)
    assert [read(each, goes_on).status_code for each in sites] == [200, 200]


def test_a_password_change_ends_sessions_at_once(mary: Any, client: Client) -> None:
    """Through the function, on a real Redis, with the session and the user warm."""
    assert [client.get("/api/profile").status_code for _ in range(2)] == [200, 200]
    change_password(mary, "another-secret")
    assert client.get("/api/profile").status_code == 401
