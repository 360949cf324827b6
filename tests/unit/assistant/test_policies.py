"""The assistant's policies: as promised, and superseded by tags that there are."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from assistant.models import Conversation
from cache_platform.invalidation import forget, tags_of
from cache_platform.policies import registry

PROMISED = {
    "assistant.conversations": (180, None),
    "assistant.documents": (60, None),
    "assistant.messages": (120, None),
    "assistant.persona": (3600, "PERSONA_CACHE_TTL"),
    "assistant.persona_list": (300, "PERSONA_LIST_CACHE_TTL"),
    "assistant.preference": (600, "USER_PREF_CACHE_TTL"),
    "assistant.stats": (30, None),
}


@pytest.mark.parametrize("name", PROMISED)
def test_a_policy_is_as_promised(name: str) -> None:
    """Its TTL, its older variable, strict and private."""
    policy = registry.get(name)
    assert (policy.ttl, policy.ttl_variable) == PROMISED[name]
    assert (policy.consistency, policy.audience) == ("strict", "private")


def test_what_people_type_is_in_no_key() -> None:
    """Staff sees keys of everybody's private entries. A session's parameter is an HMAC already."""
    readable = {
        (policy.name, name)
        for policy in registry
        for name, kind in policy.params.items()
        if kind is str and policy.audience == "private" and name not in policy.secret_params
    }
    assert readable == {("accounts.session", "session")}


def unused() -> list[str]:
    """What is declared and supersedes nothing."""
    return [message.msg for message in run_checks() if message.id == "cache_platform.W004"]


def test_every_tag_that_is_declared_supersedes_something() -> None:
    """Those of a constant value too: a policy's parameter may have it."""
    assert unused() == []


@pytest.mark.parametrize("tag", ["persona", "conversation:{id}", "conversations_of:{id}", "person:-1"])
def test_a_tag_that_no_policy_has_is_found(tag: str) -> None:
    """However like another one it is spelt."""
    try:
        tags_of(Conversation, tag)
        assert len(unused()) == 1
    finally:
        forget(Conversation, tag)
