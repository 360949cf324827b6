"""What platforms say of their quota."""

from __future__ import annotations

from typing import Any

import pytest

from cache_platform.http import Answer
from cache_platform.testing import failing_store, isolated_cache
from connectors.extraction import quota
from connectors.schema import Quota

NOW = 1_790_000_000.0


def answer(status: int = 200, **headers: object) -> Answer:
    """An answer with these headers; `_` stands for `-`."""
    return Answer(status, {name.replace("_", "-"): str(value) for name, value in headers.items()}, b"")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (
            answer(x_ratelimit_limit=600, x_ratelimit_remaining=599, x_ratelimit_reset=int(NOW) + 60),
            Quota(limit=600, remaining=599, resets_at=NOW + 60),
        ),
        (
            answer(ratelimit_limit="100, 100;w=60", ratelimit_remaining=0, ratelimit_reset=12),
            Quota(limit=100, remaining=0, resets_at=NOW + 12),
        ),
        (
            answer(ratelimit='"default";r=5;t=30', ratelimit_policy='"default";q=100;w=60'),
            Quota(limit=100, remaining=5, resets_at=NOW + 30),
        ),
        (answer(x_ratelimit_remaining=7, x_ratelimit_reset=9), Quota(limit=7, remaining=7, resets_at=NOW + 9)),
        (answer(429, retry_after=17), Quota(limit=0, remaining=0, resets_at=NOW + 17)),
        (
            answer(429, retry_after=17, x_ratelimit_limit=60, x_ratelimit_remaining=5, x_ratelimit_reset=9),
            Quota(limit=60, remaining=0, resets_at=NOW + 17),
        ),
        (
            answer(429, x_ratelimit_limit=60, x_ratelimit_remaining=0, x_ratelimit_reset=9),
            Quota(limit=60, remaining=0, resets_at=NOW + 9),
        ),
        (
            answer(x_ratelimit_limit=1, x_ratelimit_remaining=0, x_ratelimit_reset=999_999_999_999),
            Quota(limit=1, remaining=0, resets_at=NOW + quota.LONGEST),
        ),
    ],
)
def test_a_quota_is_read(given: Answer, expected: Quota) -> None:
    """In each of the forms that there are; no platform's word stops a job for longer than an hour."""
    assert quota.read_quota(given, now=NOW) == expected


@pytest.mark.parametrize(
    "given",
    [
        answer(),
        answer(retry_after=17),
        answer(429),
        answer(429, retry_after="soon"),
        answer(x_ratelimit_remaining=5),
        answer(x_ratelimit_reset=9),
        answer(x_ratelimit_remaining="many", x_ratelimit_reset=9),
        answer(x_ratelimit_remaining=-1, x_ratelimit_reset=9),
        answer(x_ratelimit_remaining="9" * 40, x_ratelimit_reset=9),
    ],
)
def test_what_says_nothing_is_no_quota(given: Answer) -> None:
    """Half of it, or nonsense."""
    assert quota.read_quota(given, now=NOW) is None


def used_up(now_ms: int) -> Answer:
    """Nothing is left for the next 30 seconds."""
    return answer(x_ratelimit_limit=1, x_ratelimit_remaining=0, x_ratelimit_reset=now_ms // 1000 + 30)


def test_a_quota_that_is_used_up_is_known_until_it_resets() -> None:
    """By all who ask for that connection; not for another one."""
    clock = int(NOW * 1000)
    with isolated_cache(lambda: clock):
        quota.note(1, used_up(clock), now=NOW)
        assert quota.used_up_until(1, now=NOW) == NOW + 30
        assert quota.used_up_until(2, now=NOW) is None
        assert quota.used_up_until(1, now=NOW + 31) is None


def test_the_last_answer_counts() -> None:
    """One that grants again ends the wait."""
    clock = int(NOW * 1000)
    with isolated_cache(lambda: clock):
        quota.note(1, used_up(clock), now=NOW)
        clock += 1000
        quota.note(1, answer(x_ratelimit_remaining=9, x_ratelimit_reset=60), now=NOW + 1)
        assert quota.used_up_until(1, now=NOW + 1) is None


def test_without_redis_the_quota_is_not_known(settings: Any) -> None:
    """Neither noting nor asking fails."""
    with failing_store():
        assert quota.note(1, used_up(int(NOW * 1000)), now=NOW) is not None
        assert quota.used_up_until(1, now=NOW) is None
