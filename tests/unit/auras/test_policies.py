"""The auras' policy: as promised, and superseded by tags that there are."""

from __future__ import annotations

from django.core.checks import run_checks

from auras.policies import LIST


def test_the_policy_is_as_promised() -> None:
    """Its TTL, strict and private, for each user, whose deletion supersedes it."""
    assert (LIST.name, LIST.ttl, LIST.params) == ("auras.list", 300, {"user_id": int})
    assert (LIST.consistency, LIST.audience) == ("strict", "private")
    assert "user:{user_id}" in LIST.tags


def test_every_tag_that_is_declared_supersedes_something() -> None:
    """A tag that is misspelt would supersede nothing."""
    assert [message.msg for message in run_checks() if message.id == "cache_platform.W004"] == []
