"""System checks: each mistake has one stable id and says what to do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.checks.registry import registry as checks_registry

from cache_platform import checks, tags_of
from cache_platform.backend import RedisCache
from cache_platform.checks import check_servers, check_settings
from cache_platform.invalidation import forget
from config.environment import BASE_DIR


def ids() -> list[str | None]:
    """The ids of what the checks find now."""
    return [message.id for message in check_settings(None)]


def test_the_sites_own_settings_are_fine() -> None:
    """Nothing to say."""
    assert ids() == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"PREFX": "x"}, "cache_platform.E001"),
        ({"PREFIX": "a:b"}, "cache_platform.E002"),
        ({"PREFIX": ""}, "cache_platform.E002"),
        ({"STORE": "memry"}, "cache_platform.E006"),
        ({"STORE": "redis", "ALIAS": "missing"}, "cache_platform.E003"),
        ({"STORE": "redis"}, "cache_platform.E004"),
        ({"RATE_LIMITS": {"search": "5/h15"}}, "cache_platform.E008"),
        ({"RATE_LIMITS": {"search": 5}}, "cache_platform.E008"),
        ({"RATE_LIMITS": {"search": ["5/60s"]}}, "cache_platform.E008"),
        ({"RATE_LIMITS": {"Export-Big": "5/60s"}}, "cache_platform.E008"),
        ({"METRICS_TOKEN": "short"}, "cache_platform.E011"),
        ({"METRICS_TOKEN": "with a space in between"}, "cache_platform.E011"),
    ],
)
def test_a_wrong_setting_is_found(settings: Any, changes: dict[str, Any], expected: str) -> None:
    """With a hint."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, **changes}
    assert ids() == [expected]
    assert check_settings(None)[0].hint


class OwnCache(RedisCache):
    """A project's subclass of the platform's backend."""


@pytest.mark.parametrize(
    ("backend", "expected"),
    [
        ("django_redis.cache.RedisCache", ["cache_platform.E004"]),
        ("django.core.cache.backends.redis.RedisCache", ["cache_platform.E004"]),
        ("cache_platform.backend.RedisCache", []),
        (f"{__name__}.OwnCache", []),
    ],
)
def test_the_backend_is_the_platforms_own(settings: Any, backend: str, expected: list[str]) -> None:
    """Another one's connections would not notice a restart from a snapshot, or a failover."""
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": "redis://localhost"}}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "redis"}
    assert ids() == expected


@pytest.mark.parametrize(
    ("alias", "expected"),
    [
        (None, []),
        ("default", []),
        ("state", []),
        ("missing", ["cache_platform.E009"]),
        ("memory", ["cache_platform.E010"]),
    ],
)
def test_the_alias_for_state_is_one_of_the_platforms_own(settings: Any, alias: str | None, expected: list[str]) -> None:
    """Limits ask it through the same connection as entries theirs."""
    own = "cache_platform.backend.RedisCache"
    settings.CACHES = {
        "default": {"BACKEND": own, "LOCATION": "redis://localhost"},
        "state": {"BACKEND": own, "LOCATION": "redis://state"},
        "memory": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "redis", "STATE_ALIAS": alias}
    assert ids() == expected
    assert all(message.hint for message in check_settings(None))


def test_servers_are_asked_before_a_deployment_alone() -> None:
    """Not at each start and each `manage.py check`."""
    assert check_servers in checks_registry.deployment_checks
    assert check_servers not in checks_registry.registered_checks


def test_no_server_is_asked_that_the_settings_do_not_name(settings: Any) -> None:
    """Without Redis, and where another check says what is wrong."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "WEB_PROCESSES": 1}
    assert check_servers(None) == []
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "redis", "ALIAS": "missing"}
    assert check_servers(None) == []


def test_a_wrong_or_unknown_ttl_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing error in a variable's name would else do nothing, silently."""
    monkeypatch.setenv("CACHE_TTL_WETHER_CURRENT", "5")
    monkeypatch.setenv("CACHE_TTL_WEATHER_CURRENT", "soon")
    assert ids() == ["cache_platform.E005", "cache_platform.W002"]


@pytest.mark.parametrize(("processes", "expected"), [(1, []), (4, ["cache_platform.W001"])])
def test_memory_for_several_processes_is_warned_of(settings: Any, processes: int, expected: list[str]) -> None:
    """Neither their writes nor their limits would reach each other."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "WEB_PROCESSES": processes}
    assert ids() == []
    assert [message.id for message in check_servers(None)] == expected


def test_ids_are_unique() -> None:
    """One id, one meaning."""
    found = re.findall(r'"(cache_platform\.[EWI]\d{3})"', Path(checks.__file__).read_text(encoding="utf-8"))
    assert len(found) == len(set(found)) >= 16


def test_each_id_is_in_the_operations_guide() -> None:
    """And none that there is not."""
    said = re.findall(r"\b[EWI]\d{3}\b", (BASE_DIR / "docs/operations.md").read_text(encoding="utf-8"))
    code = re.findall(r'"cache_platform\.([EWI]\d{3})"', Path(checks.__file__).read_text(encoding="utf-8"))
    assert sorted(set(said)) == sorted(code)


def test_tags_of_unknown_fields_are_found() -> None:
    """A declaration that names a field that is not there, or ignores one."""
    tags_of(Group, "test:{nmae}", "test:{permissions__codename}", "test:{name__x}", ignoring=("nothing",))
    try:
        (found,) = [each for each in check_settings(None) if each.id == "cache_platform.E007"]
    finally:
        forget(Group, "test:{nmae}", "test:{permissions__codename}", "test:{name__x}")
    assert "['nmae', 'name__x', 'nothing']" in found.msg


@pytest.mark.parametrize(("mode", "wanted"), [(None, ["cache_platform.W003"]), ("IMMEDIATE", []), ("EXCLUSIVE", [])])
def test_sqlite_without_locks_is_warned_of(
    settings: Any, monkeypatch: pytest.MonkeyPatch, mode: str | None, wanted: list[str]
) -> None:
    """Its transactions would fail where they read first and write then."""
    options = {"transaction_mode": mode} if mode else {}
    monkeypatch.setitem(settings.DATABASES, "default", {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": options})
    assert [each.id for each in check_settings(None) if each.id == "cache_platform.W003"] == wanted


@pytest.mark.parametrize(("atomic", "wanted"), [(True, ["cache_platform.W006"]), (False, [])])
def test_requests_in_transactions_are_warned_of(
    settings: Any, monkeypatch: pytest.MonkeyPatch, atomic: bool, wanted: list[str]
) -> None:
    """A lock would be let go before the COMMIT."""
    database = {**settings.DATABASES["default"], "ATOMIC_REQUESTS": atomic}
    monkeypatch.setitem(settings.DATABASES, "default", database)
    assert [each.id for each in check_settings(None) if each.id == "cache_platform.W006"] == wanted
