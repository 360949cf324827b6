"""Profiles: what may be in them, and that nobody reads an old one or another's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Profile, User
from accounts.profiles import change_profile, load_profile, read_profile
from accounts.validators import MOST_SETTINGS_BYTES
from cache_platform.testing import isolated_cache

pytestmark = pytest.mark.django_db

PATH = "/api/profile"


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    """An empty cache for each test."""
    with isolated_cache():
        yield


@pytest.fixture
def mary() -> User:
    """Somebody."""
    return User.objects.create_user("mary", first_name="Mary", last_name="Shelley")


@pytest.fixture
def client(mary: User) -> Client:
    """A browser in which Mary is signed in."""
    browser = Client()
    browser.force_login(mary)
    return browser


def patch(client: Client, body: Any) -> Any:
    """PATCH with a JSON body, or with the very text."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    return client.patch(PATH, text, content_type="application/json")


# Reading


def test_without_a_profile_there_are_defaults(mary: User) -> None:
    """The user's own name, and nothing is written for it."""
    state = load_profile(mary.pk)
    assert state is not None
    assert (state.user_id, state.display_name, state.avatar, state.settings) == (mary.pk, "Mary Shelley", "", {})
    assert not Profile.objects.exists()


def test_a_user_without_a_name_goes_by_the_username() -> None:
    """Something has to stand there."""
    state = load_profile(User.objects.create_user("percy").pk)
    assert state is not None
    assert state.display_name == "percy"


@pytest.mark.django_db(transaction=True)
def test_a_user_who_is_not_there_has_no_profile() -> None:
    """Neither a default nor an error."""
    assert read_profile(user_id=4711).value is None
    assert change_profile(user_id=4711) is None
    assert change_profile(user_id=4711, display_name="Nobody") is None


def test_a_load_is_one_query(mary: User, django_assert_num_queries: Any) -> None:
    """With a profile and without."""
    with django_assert_num_queries(1):
        load_profile(mary.pk)
    Profile.objects.create(user=mary)
    with django_assert_num_queries(1):
        load_profile(mary.pk)


def test_the_second_answer_is_cached(client: Client, mary: User, django_assert_num_queries: Any) -> None:
    """No query at all, and it says so; no shared cache may keep it."""
    first = client.get(PATH)
    with django_assert_num_queries(0):
        second = client.get(PATH)
    assert (first.json()["cached"], second.json()["cached"]) == (False, True)
    assert first.json()["data"] == second.json()["data"] == {
        "user_id": mary.pk, "display_name": "Mary Shelley", "avatar": "", "settings": {},
    }  # fmt: skip
    assert second["Cache-Status"].startswith("CachePlatform; hit; ttl=")
    assert second["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie", "X-API-Key"} <= {name.strip() for name in second["Vary"].split(",")}
    assert client.get(PATH, headers={"If-None-Match": second["ETag"]}).status_code == 304


def test_strangers_get_401(mary: User) -> None:
    """A problem, also for those who would change it."""
    for answer in (Client().get(PATH), patch(Client(), {"display_name": "X"})):
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"


def test_two_users_never_get_each_others(client: Client, mary: User) -> None:
    """Whatever the address says; both entries are warm."""
    percy = User.objects.create_user("percy")
    his = Client()
    his.force_login(percy)
    for _ in range(2):
        for query in ("", f"?user_id={percy.pk}", f"?user={percy.pk}"):
            assert client.get(PATH + query).json()["data"]["user_id"] == mary.pk
            assert his.get(PATH + query).json()["data"]["user_id"] == percy.pk


WRITES: dict[str, Callable[[Profile], Any]] = {
    "saved": lambda profile: (setattr(profile, "display_name", "New"), profile.save()),
    "updated": lambda profile: Profile.objects.filter(pk=profile.pk).update(display_name="New"),
    "in bulk": lambda profile: (
        setattr(profile, "display_name", "New"),
        Profile.objects.bulk_update([profile], ["display_name"]),
    ),
    "deleted": lambda profile: profile.delete(),
    "all deleted": lambda profile: Profile.objects.all().delete(),
    "renamed by default": lambda profile: (
        Profile.objects.update(display_name=""),
        User.objects.update(first_name="New"),
    ),
    "through the function": lambda profile: change_profile(user_id=profile.user_id, display_name="New"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_in_the_next_read(mary: User, write: str) -> None:
    """However it is written."""
    profile = Profile.objects.create(user=mary, display_name="Old")
    assert read_profile(user_id=mary.pk).value == load_profile(mary.pk)
    before = read_profile(user_id=mary.pk)
    assert before.cached
    WRITES[write](profile)
    after = read_profile(user_id=mary.pk)
    assert after.value == load_profile(mary.pk) != before.value


def test_the_first_profile_shows_in_the_next_read(mary: User) -> None:
    """The defaults were cached; making the row supersedes them."""
    assert read_profile(user_id=mary.pk).value == load_profile(mary.pk)
    Profile.objects.bulk_create([Profile(user=mary, display_name="Made")])
    assert getattr(read_profile(user_id=mary.pk).value, "display_name", None) == "Made"


def test_a_profile_that_moves_to_another_user_shows_at_both(mary: User) -> None:
    """The old owner reads defaults, the new one the profile."""
    percy = User.objects.create_user("percy")
    profile = Profile.objects.create(user=mary, display_name="Wandering")
    for user in (mary, percy):
        read_profile(user_id=user.pk)
    profile.user = percy
    profile.save()
    assert getattr(read_profile(user_id=mary.pk).value, "display_name", None) == "Mary Shelley"
    assert getattr(read_profile(user_id=percy.pk).value, "display_name", None) == "Wandering"


# Changing


def test_a_change_answers_the_new_state_and_shows_in_the_next_read(client: Client, mary: User) -> None:
    """The same data as a read, without `cached`; nobody may store it."""
    client.get(PATH)
    body = {"display_name": "M. Shelley", "avatar": "https://example.org/mary.png", "settings": {"theme": "dark"}}
    answer = patch(client, body)
    assert answer.status_code == 200
    assert answer.json() == {"success": True, "data": {"user_id": mary.pk, **body}}
    assert answer["Cache-Control"] == "no-store"
    after = client.get(PATH).json()
    assert (after["data"], after["cached"]) == (answer.json()["data"], False)


def test_what_is_not_given_stays(client: Client, mary: User) -> None:
    """A PATCH of one field leaves the others alone; an empty one changes nothing and makes no row."""
    assert patch(client, {}).json()["data"]["display_name"] == "Mary Shelley"
    assert not Profile.objects.exists()
    patch(client, {"settings": {"a": 1}, "avatar": "https://example.org/a.png"})
    patch(client, {"display_name": "M."})
    data = patch(client, {"settings": {"b": 2}}).json()["data"]
    assert data == {
        "user_id": mary.pk, "display_name": "M.", "avatar": "https://example.org/a.png", "settings": {"b": 2},
    }  # fmt: skip
    emptied = patch(client, {"display_name": "", "avatar": "", "settings": {}}).json()["data"]
    assert (emptied["display_name"], emptied["avatar"], emptied["settings"]) == ("Mary Shelley", "", {})


def test_markup_is_text(client: Client) -> None:
    """It is stored as it was written; whoever shows it escapes it. JSON, and nothing sniffs it."""
    name = '<script>alert("1")</script>'
    answer = patch(client, {"display_name": name})
    assert answer.json()["data"]["display_name"] == name
    assert answer["Content-Type"] == "application/json"
    assert client.get(PATH)["X-Content-Type-Options"] == "nosniff"


def nested(depth: int) -> Any:
    """Objects in objects."""
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


REFUSED: dict[str, tuple[Any, str]] = {
    "somebody else": ({"user_id": 1}, "user_id"),
    "an unknown field": ({"is_staff": True}, "is_staff"),
    "the row": ({"id": 1}, "id"),
    "the relation": ({"user": 1}, "user"),
    "a long name": ({"display_name": "x" * 81}, "display_name"),
    "a line break": ({"display_name": "a\nb"}, "display_name"),
    "a NUL": ({"display_name": "a\0b"}, "display_name"),
    "half a surrogate pair": ({"display_name": "a\ud800"}, "display_name"),
    "no text": ({"display_name": ["x"]}, "display_name"),
    "null": ({"display_name": None}, "display_name"),
    "a script as avatar": ({"avatar": "javascript:alert(1)"}, "avatar"),
    "a data address": ({"avatar": "data:image/svg+xml,<svg/>"}, "avatar"),
    "an insecure avatar": ({"avatar": "http://example.org/a.png"}, "avatar"),
    "no address": ({"avatar": "https://"}, "avatar"),
    "a long address": ({"avatar": "https://example.org/" + "a" * 500}, "avatar"),
    "a list of settings": ({"settings": []}, "settings"),
    "settings as text": ({"settings": "{}"}, "settings"),
    "null settings": ({"settings": None}, "settings"),
    "too many settings": ({"settings": {"a": "x" * MOST_SETTINGS_BYTES}}, "settings"),
    "deep settings": ({"settings": nested(7)}, "settings"),
    "a NUL in settings": ({"settings": {"a": ["\0"]}}, "settings"),
    "a NUL in a name": ({"settings": {"\0": 1}}, "settings"),
    "half a pair in settings": ({"settings": {"a": "\udc00"}}, "settings"),
    "a huge number": ({"settings": {"a": 10**40}}, "settings"),
    "an endless number": ('{"settings": {"a": 1e999}}', "settings"),
    "no object": ([1, 2], "non_field_errors"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_allowed_is_a_problem_that_names_the_field(client: Client, mary: User, case: str) -> None:
    """400, and nothing is written."""
    body, field = REFUSED[case]
    answer = patch(client, body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert field in answer.json()["errors"]
    assert not Profile.objects.exists()


def test_all_that_is_wrong_is_named_at_once(client: Client) -> None:
    """One round for whoever mends it; of very many unknown fields, some."""
    body = {"avatar": "x", "display_name": "x" * 100, **{f"{number:04}" * 100: 1 for number in range(500)}}
    errors = patch(client, body).json()["errors"]
    assert "display_name" in errors
    assert len(errors) < 20
    assert max(map(len, errors)) <= 60


@pytest.mark.parametrize("body", ["{", "NaN", "[" * 100_000, b"\xff\xfe", '{"settings": NaN}'])
def test_what_is_not_json_is_a_problem(client: Client, body: str | bytes) -> None:
    """Never an error of the server."""
    assert patch(client, body).status_code == 400


def test_only_json_is_read(client: Client) -> None:
    """A form on another site cannot send that."""
    assert client.patch(PATH, "display_name=X", content_type="application/x-www-form-urlencoded").status_code == 415


def test_a_change_by_session_needs_the_csrf_token(mary: User) -> None:
    """As every change with a cookie."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mary)
    assert patch(strict, {"display_name": "X"}).status_code == 403
    assert not Profile.objects.exists()


def test_other_methods_are_refused(client: Client) -> None:
    """A profile is neither made nor deleted here."""
    for method in (client.put, client.post, client.delete):
        assert method(PATH, "{}", content_type="application/json").status_code == 405


def test_the_function_checks_values_too(mary: User) -> None:
    """Pages call it with what people enter."""
    with pytest.raises(ValidationError) as caught:
        change_profile(user_id=mary.pk, display_name="x" * 100, avatar="javascript:alert(1)")
    assert set(caught.value.message_dict) == {"display_name", "avatar"}


def test_a_change_writes_no_more_than_it_says(mary: User) -> None:
    """Two people who change different fields at once do not undo each other's."""
    Profile.objects.create(user=mary, display_name="Old")
    with CaptureQueriesContext(connection) as queries:
        change_profile(user_id=mary.pk, avatar="https://example.org/a.png")
    [update] = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert "display_name" not in update.split("WHERE")[0]
