"""Rate limits of REST views: whose slots are taken, when, and what responses tell of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from accounts.models import User
from cache_platform import statistics
from cache_platform.inventory import report
from cache_platform.presets import preset
from cache_platform.rest.callers import Caller
from cache_platform.rest.throttles import RateLimitThrottle, TellsLimits
from cache_platform.testing import FakeClock, failing_store, isolated_cache

START = 1_700_000_000_000
ADA = User(pk=1, username="ada")
HERE = "ip:192.0.2.1"


class Burst(RateLimitThrottle):
    """One preset."""

    preset = "burst"


class Steady(RateLimitThrottle):
    """Another one."""

    preset = "steady"


class Both(RateLimitThrottle):
    """By two identities, which are one for strangers."""

    preset = "burst"
    by = ("user", "ip")


class Never(BaseThrottle):
    """A throttle of another kind, which refuses."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """No."""
        return False

    def wait(self) -> float:
        """Seconds."""
        return 7


class SignedIn(BaseAuthentication):
    """Ada, and nothing can be told of it before, as with DRF's own TokenAuthentication."""

    def authenticate(self, request: Request) -> tuple[User, None]:
        """Whoever asks."""
        return ADA, None


class Told(TellsLimits):
    """A view that tells."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (Burst,)

    def get(self, request: Request) -> Response:
        """Nothing."""
        return Response({})


@pytest.fixture(autouse=True)
def _empty(settings: Any) -> Iterator[None]:
    statistics.counters.forget()
    limits(settings, burst="2/10s", steady="3/60s")
    with isolated_cache(FakeClock(START)):
        yield


def limits(settings: Any, **presets: str) -> None:
    """Have these presets."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": presets}


def ask(view: type[APIView], *, method: str = "get", **more: Any) -> HttpResponse:
    """What the view, with these attributes, answers to somebody at HERE."""
    request = getattr(APIRequestFactory(), method)("/", REMOTE_ADDR="192.0.2.1")
    return view.as_view(**more)(request)


def left(name: str, who: str = HERE) -> int:
    """How many slots are left of a preset; asking takes one, which is given back."""
    decision = preset(name).check(who)
    if decision.slot is not None:
        decision.slot.give_back()
    return decision.remaining + decision.allowed


def counted(name: str) -> dict[str, int]:
    """What the statistics have of a preset, but for zeros."""
    with mock.patch("cache_platform.inventory.outbox_rows", return_value=None):  # there is no database here
        found = next(each for each in report("5m", timestamp="now")["limits"] if each["name"] == name)
    return {key: found[key] for key in statistics.LIMIT_COUNTERS if found[key]}


def test_several_throttles_are_taken_together_or_not_at_all() -> None:
    """A request that one of them refuses uses up nothing of the others."""
    codes = [ask(Told, throttle_classes=[Steady, Burst]).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    assert (left("burst"), left("steady")) == (0, 1)


def test_the_headers_name_the_limit_that_leaves_least_and_then_the_one_that_refuses() -> None:
    """Whichever stands first."""
    answers = [ask(Told, throttle_classes=[Steady, Burst]) for _ in range(3)]
    assert [each["RateLimit"] for each in answers] == ['"burst";r=1;t=10', '"burst";r=0;t=10', '"burst";r=0;t=10']
    assert {each["RateLimit-Policy"] for each in answers} == {'"burst";q=2;w=10'}
    assert answers[2]["Retry-After"] == "10"


def test_the_longest_wait_is_told_of_two_limits_that_refuse(settings: Any) -> None:
    """A retry after the shorter one would be refused by the other."""
    limits(settings, burst="1/10s", steady="1/60s")
    answers = [ask(Told, throttle_classes=[Burst, Steady]) for _ in range(2)]
    assert (answers[1]["Retry-After"], answers[1]["RateLimit"]) == ("60", '"steady";r=0;t=60')


def test_t_is_what_is_left_of_the_wait(settings: Any) -> None:
    """In whole seconds, rounded up: the window for who is admitted, the wait for who is not."""
    clock = FakeClock(START)
    with isolated_cache(clock):
        assert ask(Told)["RateLimit"] == '"burst";r=1;t=10'
        assert ask(Told)["RateLimit"] == '"burst";r=0;t=10'
        clock.advance(3.4)
        refused = ask(Told)
        assert (refused["RateLimit"], refused["Retry-After"]) == ('"burst";r=0;t=7', "7")


@pytest.mark.parametrize("order", [[Burst, Never], [Never, Burst]], ids=["ours first", "theirs first"])
def test_a_throttle_of_another_kind_that_refuses_takes_no_slot_of_ours(order: list[Any]) -> None:
    """Wherever it stands; and its wait is told."""
    answer = ask(Told, throttle_classes=order)
    assert (answer.status_code, answer["Retry-After"]) == (429, "7")
    assert "RateLimit" not in answer
    assert left("burst") == 2


def test_two_identities_that_are_one_take_one_slot() -> None:
    """A stranger's user is the address."""
    assert [ask(Told, throttle_classes=[Both])["RateLimit"] for _ in range(2)] == [
        '"burst";r=1;t=10',
        '"burst";r=0;t=10',
    ]
    assert counted("burst") == {"admitted": 2}


def test_two_throttles_of_one_limit_take_one_slot() -> None:
    """They are one limit, said twice, and its log is asked for once."""
    stranger = Caller(address=HERE)
    assert len(Both().wishes(stranger)) == 1
    assert len(Told(throttle_classes=[Burst, Both]).limits_of(stranger)) == 1
    assert ask(Told, throttle_classes=[Burst, Both])["RateLimit"] == '"burst";r=1;t=10'


def test_a_request_by_two_identities_counts_once() -> None:
    """In the statistics of their preset, admitted as refused."""
    codes = [ask(Told, throttle_classes=[Both], authentication_classes=[SignedIn]).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert counted("burst") == {"admitted": 2, "refused": 1}
    assert (left("burst", "user:1"), left("burst", HERE)) == (0, 0)


@pytest.mark.parametrize("words", ["shadow", "shadow allow"])
@pytest.mark.parametrize("away", [False, True], ids=["with the store", "without it"])
def test_a_limit_in_shadow_is_not_told(settings: Any, words: str, away: bool) -> None:
    """Nobody is to go by a limit that does not hold."""
    limits(settings, burst=f"1/10s {words}")
    with failing_store(*(["take", "look_ahead"] if away else ["nothing"])):
        answers = [ask(Told) for _ in range(3)]
    assert {each.status_code for each in answers} == {200}
    assert not [each for each in answers if "RateLimit" in each or "RateLimit-Policy" in each]


@pytest.mark.parametrize("order", [[Burst, Steady], [Steady, Burst]], ids=["shadow first", "shadow last"])
def test_beside_a_limit_in_shadow_the_other_one_is_told(settings: Any, order: list[Any]) -> None:
    """However little the shadow leaves."""
    limits(settings, burst="1/10s shadow", steady="3/60s")
    answers = [ask(Told, throttle_classes=order)["RateLimit"] for _ in range(2)]
    assert answers == ['"steady";r=2;t=60', '"steady";r=1;t=60']


def test_a_refusal_is_a_problem() -> None:
    """Of a type by which programs know it."""
    answer = [ask(Told) for _ in range(3)][-1]
    problem = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"]) == (429, "application/problem+json")
    assert (problem["type"], problem["status"]) == ("urn:problem:rate-limit", 429)
    assert "10 s" in problem["detail"]


class Plain(APIView):
    """A view that tells nothing of limits."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = (Burst,)

    def get(self, request: Request) -> Response:
        """Nothing."""
        return Response({})


def test_a_plain_view_is_limited_too() -> None:
    """By DRF's own way of asking throttles; it answers without the header fields, but with Retry-After."""
    answers = [ask(Plain) for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, 429]
    assert answers[2]["Retry-After"] == "10"
    assert "RateLimit" not in answers[2]
