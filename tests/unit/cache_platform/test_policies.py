"""Policies: what may be declared, where the TTL comes from, what the fingerprint follows."""

from __future__ import annotations

import threading
from typing import Any

import msgspec
import pytest
from django.core.exceptions import ImproperlyConfigured

from cache_platform import Budget, CachePolicy, PolicyError, UnknownPolicy
from cache_platform.policies import Registry


def policy(**declaration: Any) -> CachePolicy[Any]:
    """A policy with what a test does not care about filled in."""
    return CachePolicy(**{"name": "a.b", "schema": dict, "ttl": 60, **declaration})


@pytest.mark.parametrize(
    "declaration",
    [
        {"name": "nodot"},
        {"name": "a.b:c"},
        {"ttl": 0},
        {"ttl": -1},
        {"stale_for": 60},
        {"local_ttl": 1},
        {"consistency": "relaxed", "local_ttl": 1},
        {"refresh_ahead": 0.9},
        {"soft_timeout": 9},
        {"hard_timeout": 0},
        {"until": 1790000000},
        {"negative_ttl": -1},
        {"params": {"a": list}},
        {"secret_params": frozenset({"token"})},
        {"params": {"token": str}, "secret_params": ("token",)},
        {"consistency": "lax"},
        {"audience": "all"},
        {"tags": "user:1"},
        {"budgets": Budget(limit=1, window=1)},
        {"schema": threading.Thread},
        {"tags": ("user:{user_id}",)},
    ],
)
def test_a_wrong_declaration_is_refused(declaration: dict[str, Any]) -> None:
    """At import, with the policy's name, and not at the first request."""
    with pytest.raises(PolicyError, match=declaration.get("name", "a.b")):
        policy(**declaration)


def test_a_name_is_taken_once() -> None:
    """Two declarations of one name would share keys."""
    registry = Registry()
    registry.register(policy())
    with pytest.raises(PolicyError):
        registry.register(policy())


def test_an_unknown_name_says_what_is_known() -> None:
    """The error helps whoever mistyped it."""
    registry = Registry()
    registry.register(policy())
    with pytest.raises(UnknownPolicy, match=r"a\.b"):
        registry.get("a.c")


def test_the_ttl_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """CACHE_TTL_<POLICY> wins over the older name, which wins over the declaration; read when asked."""
    subject = policy(name="service.health", ttl_variable="SERVICE_HEALTH_CACHE_TTL")
    assert (subject.effective_ttl, subject.ttl_source) == (60, "declared")
    monkeypatch.setenv("SERVICE_HEALTH_CACHE_TTL", "7")
    assert (subject.effective_ttl, subject.ttl_source) == (7, "SERVICE_HEALTH_CACHE_TTL")
    monkeypatch.setenv("CACHE_TTL_SERVICE_HEALTH", "9")
    assert (subject.effective_ttl, subject.ttl_source) == (9, "CACHE_TTL_SERVICE_HEALTH")


@pytest.mark.parametrize("text", ["-1", "1.5", "ten", "99999999999", "٣"])
def test_a_wrong_ttl_names_its_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """The error says what is allowed."""
    monkeypatch.setenv("CACHE_TTL_A_B", text)
    with pytest.raises(ImproperlyConfigured, match=r"CACHE_TTL_A_B: must be whole seconds"):
        _ = policy().effective_ttl


class One(msgspec.Struct):
    """A schema."""

    a: int


class OneMore(msgspec.Struct):
    """The same with a field more."""

    a: int
    b: str


def test_the_fingerprint_follows_the_schema() -> None:
    """A deployment that changes a schema never reads the old form: its keys are others."""
    one, more = policy(schema=One), policy(schema=OneMore)
    assert one.fingerprint == policy(schema=One).fingerprint
    assert one.fingerprint != more.fingerprint
    assert one.address({}).key != more.address({}).key


def test_every_entry_carries_its_policys_tag_and_the_one_for_all() -> None:
    """So that a policy, or everything, is flushed at constant cost."""
    address = policy(params={"user_id": int}, tags=("user:{user_id}",)).address({"user_id": 7})
    assert address.tag_keys == ("cp:tag:all", "cp:tag:policy:a.b", "cp:tag:user:7")
