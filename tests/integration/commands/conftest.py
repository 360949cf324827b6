"""What several of these tests need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from cache_platform import get_or_load
from cache_platform.policies import CachePolicy


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test depends on the terminal that it is run from."""
    for name in ("NO_COLOR", "TERM", "COLUMNS", "LINES", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def thing(declare: Any) -> CachePolicy[Any]:
    """A policy."""
    return declare(name="test.thing", schema=dict, params={"user_id": int}, tags=("user:{user_id}",))


@pytest.fixture
def other(declare: Any) -> CachePolicy[Any]:
    """Another one."""
    return declare(name="test.other", schema=dict, params={"user_id": int}, tags=("user:{user_id}",))


def load(user_id: int) -> dict[str, int]:
    """A loader."""
    return {"id": user_id}


@pytest.fixture
def read() -> Callable[..., int]:
    """`read(policy, 1, 2)` reads the entries of these users; how many had to be loaded."""

    def reading(policy: CachePolicy[Any], *users: int) -> int:
        loaded = []

        def noting(user_id: int) -> dict[str, int]:
            loaded.append(user_id)
            return load(user_id)

        for user_id in users:
            get_or_load(policy, {"user_id": user_id}, noting)
        return len(loaded)

    return reading
