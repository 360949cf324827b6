"""Views that read ahead: in how many round trips, for whom, and when not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar
from unittest import mock

import pytest
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cache_platform import CachePolicy, read
from cache_platform.rest.callers import Caller
from cache_platform.rest.foresight import Foresight
from cache_platform.rest.lookahead import LooksAhead
from cache_platform.testing import failing_store
from tests.unit.cache_platform.test_throttles import HERE, Burst, SignedIn, _empty, ask, left

__all__ = ["_empty"]


class Nobody(BasePermission):
    """Lets nobody in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """No."""
        return False


class Foreseeing(SignedIn):
    """Ada, which the request tells before she is authenticated."""

    credential: ClassVar[Any] = None

    def foresee(self, request: Request) -> Foresight:
        """Ada."""
        return Foresight(user_id=1, caller=Caller(address=HERE, user="1"), credential=(self.credential, {"user_id": 1}))


@pytest.fixture
def policy(declare: Any, monkeypatch: pytest.MonkeyPatch) -> CachePolicy[Any]:
    """What the view reads, and the credential besides; both are there."""
    credential = declare(name="test.credential", params={"user_id": int}, tags=("c:{user_id}",))
    monkeypatch.setattr(Foreseeing, "credential", credential)
    found: CachePolicy[Any] = declare(name="test.own", params={"user_id": int}, tags=("t:{user_id}",))
    for each in (credential, found):
        read(each, {"user_id": 1}, load)
    return found


def load(user_id: int) -> dict[str, int]:  # the parameter's name
    """A loader."""
    return {"id": user_id}


class Ahead(LooksAhead):
    """A view that reads ahead."""

    authentication_classes = (SignedIn,)
    permission_classes = ()
    throttle_classes = (Burst,)

    def reads_ahead(self, user_id: int) -> Any:
        """One entry, of the policy that the test declared."""
        return [(self.policy, {"user_id": user_id})]

    policy: ClassVar[Any] = None

    def get(self, request: Request) -> Response:
        """What is cached."""
        return Response({"source": read(self.policy, {"user_id": request.user.pk}, load).source})

    post = get


@contextmanager
def listed_trips() -> Iterator[list[str]]:
    """What the one store of entries and limits is asked meanwhile, each of it one round trip."""
    with failing_store("nothing") as store, mock.patch("cache_platform.stores.get_state_store", return_value=store):
        yield store.calls


def test_after_an_authentication_that_foresees_nothing_limit_and_entry_come_together(policy: CachePolicy[Any]) -> None:
    """In one round trip, and neither is asked for again."""
    with listed_trips() as trips:
        answer = ask(Ahead, policy=policy)
    assert (answer.status_code, answer["RateLimit"]) == (200, '"burst";r=1;t=10')
    assert trips == ["look_ahead"]
    assert left("burst", "user:1") == 1


def test_who_may_not_ask_takes_no_slot(policy: CachePolicy[Any]) -> None:
    """Permissions are looked at before limits, and nothing is read for nobody."""
    with listed_trips() as trips:
        assert ask(Ahead, policy=policy, permission_classes=[Nobody]).status_code == 403
    assert trips == []
    assert left("burst", "user:1") == 2


def test_a_safe_request_reads_its_entries_ahead_and_another_one_does_not(policy: CachePolicy[Any]) -> None:
    """It is going to change something, and has to read what is there then."""
    for method, expected in (("get", ["look_ahead"]), ("post", ["look_ahead", "lookup"])):
        with listed_trips() as trips:
            answer = ask(Ahead, method=method, policy=policy, authentication_classes=[Foreseeing])
        assert (answer.status_code, trips) == (200, expected)


def test_an_unsafe_request_of_one_who_is_not_foreseen_reads_nothing_ahead(policy: CachePolicy[Any]) -> None:
    """Neither before nor after authentication."""
    with listed_trips() as trips:
        assert ask(Ahead, method="post", policy=policy).status_code == 200
    assert trips == ["take", "lookup"]


@pytest.mark.parametrize("authentication", [SignedIn, Foreseeing])
def test_without_caching_nothing_is_read_ahead_and_limits_hold(
    settings: Any, policy: CachePolicy[Any], authentication: Any
) -> None:
    """What ENABLE_REDIS_CACHE=false turns off is entries."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    with listed_trips() as trips:
        answers = [ask(Ahead, policy=policy, authentication_classes=[authentication]) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert trips == ["take"] * 3


class Stranger(Foreseeing):
    """One that foresees somebody else."""

    def foresee(self, request: Request) -> Foresight:
        """Not Ada."""
        return Foresight(user_id=2, caller=Caller(address=HERE, user="2"), credential=(self.credential, {"user_id": 2}))


class Silent(Foreseeing):
    """One that finds no credential of its kind."""

    def foresee(self, request: Request) -> None:  # type: ignore[override]  # as the protocol has it
        """Nobody."""


def test_the_first_that_finds_its_credential_foresees(policy: CachePolicy[Any]) -> None:
    """As the first that finds it authenticates: a token goes before the session that a browser adds."""
    order = [Silent, Foreseeing, Stranger]
    with listed_trips() as trips:
        assert ask(Ahead, policy=policy, authentication_classes=order).status_code == 200
    assert trips == ["look_ahead"]
