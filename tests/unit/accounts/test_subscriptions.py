"""Subscriptions: what a user may change of one, and that nobody reads an old one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.models import Plan, Status, Subscription, User
from accounts.schema import SubscriptionState
from accounts.subscriptions import (
    PERIOD,
    PLAN_LIMITS,
    change_subscription,
    load_subscription,
    read_subscription,
)
from cache_platform.testing import isolated_cache

pytestmark = pytest.mark.django_db

PATH = "/api/subscription"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=10)
EARLIER = NOW - timedelta(days=1)


@pytest.fixture(autouse=True)
def cache() -> Iterator[None]:
    """An empty cache for each test."""
    with isolated_cache():
        yield


@pytest.fixture
def mary() -> User:
    """Somebody."""
    return User.objects.create_user("mary")


@pytest.fixture
def client(mary: User) -> Client:
    """A browser in which Mary is signed in."""
    browser = Client()
    browser.force_login(mary)
    return browser


def patch(client: Client, body: Any) -> Any:
    """PATCH with a JSON body."""
    return client.patch(PATH, json.dumps(body), content_type="application/json")


def subscribed(user: User, plan: str, status: str, period_end: datetime | None, **more: Any) -> Subscription:
    """The user's row."""
    return Subscription.objects.create(user=user, plan=plan, status=status, period_end=period_end, **more)


def changed(user: User, **changes: Any) -> SubscriptionState:
    """The state after a change at NOW."""
    state = change_subscription(user_id=user.pk, now=NOW, **changes)
    assert state is not None
    return state


# Reading


def test_without_a_subscription_there_is_the_free_plan(mary: User) -> None:
    """Its limits, nothing used, and nothing is written for it."""
    state = load_subscription(mary.pk)
    assert state == SubscriptionState(
        plan="free",
        status="active",
        period_end=None,
        limits=PLAN_LIMITS["free"],
        usage=dict.fromkeys(PLAN_LIMITS["free"], 0),
    )
    assert not Subscription.objects.exists()


def test_limits_are_the_plans_unless_others_were_agreed(mary: User) -> None:
    """One customer's exception, and usage of what is not limited any more."""
    subscribed(mary, "pro", "active", LATER, limits={"auras": 7}, usage={"faxes": 1})
    state = load_subscription(mary.pk)
    assert state is not None
    assert state.limits == PLAN_LIMITS["pro"] | {"auras": 7}
    assert state.usage == dict.fromkeys(PLAN_LIMITS["pro"], 0) | {"faxes": 1}


def test_every_plan_has_the_same_kinds_of_limits() -> None:
    """A page can show them side by side; a dearer plan never allows less."""
    free, pro, team = (PLAN_LIMITS[plan] for plan in Plan)
    assert free.keys() == pro.keys() == team.keys()
    assert all(free[name] < pro[name] < team[name] for name in free)


def test_a_load_is_five_queries(mary: User, django_assert_num_queries: Any) -> None:
    """With a row and without: four things are counted."""
    with django_assert_num_queries(5):
        load_subscription(mary.pk)
    subscribed(mary, "pro", "active", LATER)
    with django_assert_num_queries(5):
        load_subscription(mary.pk)


def test_the_second_answer_is_cached(client: Client, django_assert_num_queries: Any) -> None:
    """No query at all, and it says so; no shared cache may keep it."""
    first = client.get(PATH)
    with django_assert_num_queries(0):
        second = client.get(PATH)
    assert (first.json()["cached"], second.json()["cached"]) == (False, True)
    assert first.json()["data"] == second.json()["data"]
    assert set(second.json()["data"]) == {"plan", "status", "period_end", "limits", "usage"}
    assert second["Cache-Status"].startswith("CachePlatform; hit; ttl=")
    assert second["Cache-Control"] == "private, no-cache"
    assert {"Authorization", "Cookie", "X-API-Key"} <= {name.strip() for name in second["Vary"].split(",")}
    assert client.get(PATH, headers={"If-None-Match": second["ETag"]}).status_code == 304


def test_strangers_get_401() -> None:
    """For reading and for changing."""
    assert Client().get(PATH).status_code == 401
    assert patch(Client(), {"plan": "team"}).status_code == 401


def test_two_users_never_get_each_others(client: Client, mary: User) -> None:
    """Both entries are warm."""
    percy = User.objects.create_user("percy")
    subscribed(percy, "team", "active", LATER)
    his = Client()
    his.force_login(percy)
    for _ in range(2):
        assert client.get(f"{PATH}?user_id={percy.pk}").json()["data"]["plan"] == "free"
        assert his.get(f"{PATH}?user_id={mary.pk}").json()["data"]["plan"] == "team"


WRITES: dict[str, Callable[[Subscription], Any]] = {
    "saved": lambda row: (setattr(row, "plan", "team"), row.save()),
    "updated": lambda row: Subscription.objects.filter(pk=row.pk).update(plan="team"),
    "in bulk": lambda row: (setattr(row, "plan", "team"), Subscription.objects.bulk_update([row], ["plan"])),
    "usage alone": lambda row: Subscription.objects.update(usage={"faxes": 1}),
    "deleted": lambda row: Subscription.objects.all().delete(),
    "through the function": lambda row: change_subscription(user_id=row.user_id, status="cancelled"),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_write_shows_in_the_next_read(mary: User, write: str) -> None:
    """However it is written."""
    row = subscribed(mary, "pro", "active", LATER)
    read_subscription(user_id=mary.pk)
    before = read_subscription(user_id=mary.pk)
    assert before.cached
    WRITES[write](row)
    assert read_subscription(user_id=mary.pk).value == load_subscription(mary.pk) != before.value


def test_the_first_subscription_shows_in_the_next_read(mary: User) -> None:
    """The free plan was cached; making the row supersedes it."""
    assert read_subscription(user_id=mary.pk).value == load_subscription(mary.pk)
    subscribed(mary, "team", "active", LATER)
    assert getattr(read_subscription(user_id=mary.pk).value, "plan", None) == "team"


def test_a_profile_change_leaves_the_subscription_cached(mary: User, django_assert_num_queries: Any) -> None:
    """Each supersedes its own."""
    from accounts.profiles import change_profile

    read_subscription(user_id=mary.pk)
    change_profile(user_id=mary.pk, display_name="M.")
    with django_assert_num_queries(0):
        assert read_subscription(user_id=mary.pk).cached


# Choosing a plan


def test_a_plan_brings_its_limits_and_a_period(mary: User) -> None:
    """Thirty days from now; the row is made by the first change."""
    state = changed(mary, plan="pro")
    assert (state.plan, state.status, state.period_end) == ("pro", "active", NOW + PERIOD)
    assert state.limits == PLAN_LIMITS["pro"]


def test_another_plan_keeps_the_period_and_what_was_used(mary: User) -> None:
    """What was agreed for the old plan does not bind the new one."""
    subscribed(mary, "pro", "active", LATER, limits={"auras": 7}, usage={"faxes": 3})
    state = changed(mary, plan="team")
    assert (state.period_end, state.limits, state.usage["faxes"]) == (LATER, PLAN_LIMITS["team"], 3)


def test_a_plan_after_the_period_begins_a_new_one(mary: User) -> None:
    """With nothing used."""
    subscribed(mary, "pro", "cancelled", EARLIER, usage={"faxes": 3})
    state = changed(mary, plan="pro")
    assert (state.status, state.period_end, state.usage.get("faxes")) == ("active", NOW + PERIOD, None)


def test_the_free_plan_has_no_period(mary: User) -> None:
    """Nothing ends."""
    subscribed(mary, "team", "trialing", LATER)
    state = changed(mary, plan="free")
    assert (state.plan, state.status, state.period_end) == ("free", "active", None)


def test_another_plan_does_not_settle_what_is_owed(mary: User) -> None:
    """The status stays past due; only the site changes that."""
    subscribed(mary, "pro", "past_due", LATER)
    assert changed(mary, plan="team").status == "past_due"


# Cancelling and resuming


@pytest.mark.parametrize("status", ["active", "trialing", "cancelled"])
def test_whoever_subscribed_may_cancel(mary: User, status: str) -> None:
    """Unless something is owed; what was paid for goes on to the end of the period."""
    subscribed(mary, "pro", status, LATER)
    state = changed(mary, status="cancelled")
    assert (state.status, state.plan, state.period_end) == ("cancelled", "pro", LATER)


def test_a_cancelled_subscription_is_resumed(mary: User) -> None:
    """In its period, and after it with a new one."""
    row = subscribed(mary, "pro", "cancelled", LATER)
    assert changed(mary, status="active").period_end == LATER
    Subscription.objects.filter(pk=row.pk).update(status="cancelled", period_end=EARLIER)
    state = changed(mary, status="active")
    assert (state.status, state.period_end) == ("active", NOW + PERIOD)


@pytest.mark.parametrize("status", ["trialing", "past_due"])
def test_only_a_cancelled_subscription_is_resumed(mary: User, status: str) -> None:
    """Nobody ends a trial or a debt by saying that it is over."""
    subscribed(mary, "pro", status, LATER)
    with pytest.raises(ValidationError, match=r"only a cancelled subscription can be resumed|has to be paid"):
        changed(mary, status="active")
    assert Subscription.objects.get().status == status


@pytest.mark.parametrize("status", ["trialing", "past_due", "paid", ""])
def test_no_other_status_is_the_users_to_set(mary: User, status: str) -> None:
    """Cancelled, and back to active; nothing is written otherwise."""
    with pytest.raises(ValidationError, match="can be set to cancelled, or back to active"):
        changed(mary, status=status)
    assert not Subscription.objects.exists()


def test_saying_the_present_status_changes_nothing(mary: User) -> None:
    """A client that sends back what it read."""
    subscribed(mary, "pro", "past_due", EARLIER)
    assert changed(mary, status="past_due") == load_subscription(mary.pk)
    assert Subscription.objects.get().period_end == EARLIER


def test_an_unknown_plan_is_refused(mary: User) -> None:
    """By the function too, which pages call."""
    with pytest.raises(ValidationError, match="must be one of free, pro, team"):
        changed(mary, plan="gold")


@pytest.mark.django_db(transaction=True)
def test_a_user_who_is_not_there_has_no_subscription() -> None:
    """Neither a default nor an error."""
    assert read_subscription(user_id=4711).value is None
    assert change_subscription(user_id=4711) is None
    assert change_subscription(user_id=4711, plan="pro") is None


# Over REST


def test_a_change_answers_the_new_state_and_shows_in_the_next_read(client: Client) -> None:
    """The same data as a read, without `cached`; nobody may store it."""
    client.get(PATH)
    answer = patch(client, {"plan": "pro"})
    assert answer.status_code == 200
    assert "cached" not in answer.json()
    assert answer["Cache-Control"] == "no-store"
    after = client.get(PATH).json()
    assert (after["data"], after["cached"]) == (answer.json()["data"], False)
    assert patch(client, {"status": "cancelled"}).json()["data"]["status"] == "cancelled"
    assert patch(client, {"status": "active"}).json()["data"]["status"] == "active"


def test_an_empty_change_makes_no_row(client: Client) -> None:
    """It answers what there is."""
    assert patch(client, {}).json()["data"]["plan"] == "free"
    assert not Subscription.objects.exists()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "limits": ({"limits": {"auras": 10**6}}, "limits"),
    "usage": ({"plan": "pro", "usage": {}}, "usage"),
    "the period": ({"period_end": "2099-01-01T00:00:00Z"}, "period_end"),
    "somebody else": ({"user_id": 1}, "user_id"),
    "an unknown field": ({"price": 0}, "price"),
    "an unknown plan": ({"plan": "gold"}, "plan"),
    "no text as plan": ({"plan": ["pro"]}, "plan"),
    "null": ({"status": None}, "status"),
    "a status of the site": ({"status": "trialing"}, "status"),
    "an unknown status": ({"status": "paid"}, "status"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_allowed_is_a_problem_that_names_the_field(client: Client, case: str) -> None:
    """400, and nothing is written, not even the fields that are allowed."""
    body, field = REFUSED[case]
    answer = patch(client, body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert list(answer.json()["errors"]) == [field]
    assert not Subscription.objects.exists()


def test_read_only_fields_are_told_from_unknown_ones(client: Client) -> None:
    """Whoever reads the answer knows which of the two it was."""
    assert patch(client, {"usage": {}}).json()["errors"] == {"usage": ["is read-only"]}
    assert patch(client, {"price": 0}).json()["errors"] == {"price": ["is not a field here"]}


def test_every_status_is_one_that_the_api_names() -> None:
    """The literals of the schema and the model's choices agree."""
    fields = SubscriptionState.__annotations__
    assert all(f'"{status}"' in fields["status"] or f"'{status}'" in fields["status"] for status in Status.values)
    assert all(f'"{plan}"' in fields["plan"] or f"'{plan}'" in fields["plan"] for plan in Plan.values)
