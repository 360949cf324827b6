"""What is warmed at a sign-in: each app says it once, beside its policy."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cache_platform import PolicyError, read, warming
from cache_platform.testing import isolated_cache
from cache_platform.warming import Warmed, on_sign_in, warm_sign_in

ADA: Any = SimpleNamespace(pk=1)


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty store, and no wishes of the site's own apps."""
    monkeypatch.setattr(warming, "_at_sign_in", {})
    with isolated_cache():
        yield


@pytest.fixture
def profile(declare: Any) -> Any:
    """A user's policy."""
    return declare(name="test.profile", params={"user_id": int})


@pytest.fixture
def plan(declare: Any) -> Any:
    """Another."""
    return declare(name="test.plan", params={"user_id": int})


def params_of(user: Any) -> dict[str, int]:
    """The parameters for a user."""
    return {"user_id": user.pk}


def load(user_id: int) -> dict[str, int]:
    """A loader."""
    return {"id": user_id}


def never(**_params: object) -> Any:
    """A loader that must not be called."""
    raise AssertionError("loaded")


def test_what_was_registered_is_there_after_a_sign_in(profile: Any, plan: Any) -> None:
    """For the user who signed in, and for no other."""
    on_sign_in(profile, params_of, load)
    on_sign_in(plan, params_of, load)
    assert warm_sign_in(ADA) == [Warmed("test.profile", "stored"), Warmed("test.plan", "stored")]
    assert read(profile, {"user_id": 1}, never).value == {"id": 1}
    assert read(plan, {"user_id": 1}, never).value == {"id": 1}
    assert read(plan, {"user_id": 2}, load).source == "load"


def test_a_policy_is_registered_once(profile: Any) -> None:
    """Two loaders for one entry would be one too many."""
    on_sign_in(profile, params_of, load)
    with pytest.raises(PolicyError, match=r"test\.profile"):
        on_sign_in(profile, params_of, never)
    assert warm_sign_in(ADA) == [Warmed("test.profile", "stored")]


def test_a_user_without_parameters_disturbs_nobody(profile: Any, plan: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The sign-in succeeds, the mistake is in the log."""
    on_sign_in(profile, lambda user: {"user_id": user.number}, load)
    on_sign_in(plan, params_of, load)
    assert warm_sign_in(ADA) == [Warmed("test.plan", "stored")]
    assert "test.profile" in caplog.text


def test_nothing_registered_is_nothing_to_do(caplog: pytest.LogCaptureFixture) -> None:
    """No line either."""
    caplog.set_level(logging.INFO)
    assert warm_sign_in(ADA) == []
    assert caplog.messages == []


def test_one_line_says_what_became_of_it(profile: Any, plan: Any, caplog: pytest.LogCaptureFixture) -> None:
    """With policies and milliseconds, without the user or a value."""
    on_sign_in(profile, params_of, load)
    on_sign_in(plan, params_of, lambda user_id: {1})
    caplog.set_level(logging.INFO, "cache_platform.warming")
    warm_sign_in(ADA)
    line = caplog.messages[-1]
    assert line.startswith("warmed test.profile stored, test.plan failed in ")
    assert line.endswith(" ms")
