"""The settings with a Redis for state, and without one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.environment import BASE_DIR
from tests.services.site import base_environment

READ = """
import json
from config import settings
names = ("CACHES", "CACHE_PLATFORM", "CELERY_BROKER_URL", "RATELIMIT_USE_CACHE")
print(json.dumps({name: getattr(settings, name) for name in names}))
"""


def settings_with(folder: Path, **variables: str) -> Any:
    """What the settings are with these variables."""
    environment = base_environment(folder, DATABASE_URL="sqlite://:memory:", **variables)
    argv = [sys.executable, "-c", READ]
    ended = subprocess.run(argv, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(ended.stdout)


def test_state_has_an_alias_of_its_own(tmp_path: Path) -> None:
    """The same backend and options at the other address, which is the broker's too."""
    found = settings_with(
        tmp_path, REDIS_URL="redis://a/0", REDIS_STATE_URL="redis://b/0", REDIS_PASSWORD="p", REDIS_SOCKET_TIMEOUT="0.4"
    )
    entries, state = found["CACHES"]["default"], found["CACHES"]["state"]
    assert (entries["LOCATION"], state["LOCATION"]) == ("redis://:p@a/0", "redis://b/0")
    assert entries | {"LOCATION": ""} == state | {"LOCATION": ""}
    assert state["OPTIONS"]["SOCKET_TIMEOUT"] == 0.4
    assert found["CACHE_PLATFORM"]["STATE_ALIAS"] == "state"
    assert found["CELERY_BROKER_URL"] == "redis://b/0"
    assert found["RATELIMIT_USE_CACHE"] == "state"


@pytest.mark.parametrize(
    "variables", [{"REDIS_URL": "redis://a/0"}, {"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": "redis://a/0"}]
)
def test_one_redis_is_one_alias(tmp_path: Path, variables: dict[str, str]) -> None:
    """The same address twice is one server."""
    found = settings_with(tmp_path, **variables)
    assert list(found["CACHES"]) == ["default"]
    assert found["CACHE_PLATFORM"]["STATE_ALIAS"] is None
    assert found["CELERY_BROKER_URL"] == "redis://a/0"
    assert found["RATELIMIT_USE_CACHE"] == "default"


def test_the_site_does_not_start_with_a_redis_for_state_alone(tmp_path: Path) -> None:
    """One line: `make run` would else start a server for entries beside it, which nobody asked for."""
    environment = base_environment(tmp_path, REDIS_STATE_URL="redis://b/0")
    argv = [sys.executable, "-m", "config.services"]
    ended = subprocess.run(argv, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr == "error: REDIS_STATE_URL is beside REDIS_URL: give both, or REDIS_URL alone\n"
