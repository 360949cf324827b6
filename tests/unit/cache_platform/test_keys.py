"""Keys: the same for equal parameters, different for different ones, harmless whatever is in them."""

from __future__ import annotations

import string
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_platform import keys
from cache_platform.exceptions import ParameterError

SAFE = set(string.ascii_letters + string.digits + "-._~%!=,:")


def key_of(**params: Any) -> str:
    """The key for parameters of the types that their values have."""
    declared = {name: type(value) for name, value in params.items()}
    return keys.entry_key("a.b", "f", keys.parts("a.b", declared, (), params))


def test_a_key_is_readable() -> None:
    """An operator sees policy and parameters in redis-cli."""
    assert key_of(lat=52.52, lon=13.41) == "cp:a.b:lat=52.52,lon=13.41:f"


def test_no_parameters_have_a_key_too() -> None:
    """A dash stands for "none"."""
    assert key_of() == "cp:a.b:-:f"


@given(st.text(), st.text())
def test_different_texts_have_different_keys(one: str, other: str) -> None:
    """Whatever separators and escapes are in them."""
    assert (key_of(q=one) == key_of(q=other)) == (one == other)


@given(st.text(), st.text())
def test_no_value_reaches_into_another_part(one: str, other: str) -> None:
    """Two parameters cannot be confused with two others that look alike when joined."""
    if (one, other) != (other, one):
        assert key_of(a=one, b=other) != key_of(a=other, b=one)


@given(st.text(max_size=500))
def test_a_key_has_no_glob_space_or_brace(text: str) -> None:
    """A value cannot change a SCAN pattern, a cluster slot or a protocol line, and its length is bounded."""
    key = key_of(q=text)
    assert set(key) <= SAFE
    assert len(key) < 120


@pytest.mark.parametrize("value", [0.0, -0.0])
def test_both_zeros_are_one_key(value: float) -> None:
    """-0.0 equals 0.0."""
    assert key_of(lat=value) == key_of(lat=0.0)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused(value: float) -> None:
    """NaN never equals itself, so it would never be found again."""
    with pytest.raises(ParameterError):
        key_of(lat=value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "True"), (5, "5"), (date(2026, 11, 21), "2026-11-21"), (UUID(int=1), str(UUID(int=1)))],
)
def test_each_type_has_its_text(value: object, text: str) -> None:
    """All declared types can be parameters."""
    assert key_of(p=value) == f"cp:a.b:p={text}:f"


def test_a_whole_number_will_do_for_a_float() -> None:
    """52 and 52.0 are one place."""
    assert keys.canonical("lat", 52, float) == keys.canonical("lat", 52.0, float)


def test_a_secret_part_is_not_in_the_key(settings: Any) -> None:
    """It stands as an HMAC under the site's key, different for each site and purpose."""
    token = "tok-1234567890"
    shown = keys.part(token, secret=True, purpose="auth.jwt.token")
    assert token not in shown
    assert shown == keys.part(token, secret=True, purpose="auth.jwt.token")
    assert shown != keys.part(token, secret=True, purpose="auth.api_key.token")
    settings.SECRET_KEY = "another key of another site"
    assert shown != keys.part(token, secret=True, purpose="auth.jwt.token")


def test_a_hashed_part_cannot_be_written_by_a_client() -> None:
    """The mark of an HMAC is not a character that a value can have."""
    assert keys.part("!" + "0" * 32).startswith("%21")


@pytest.mark.parametrize("tag", ["user:42", "policy:weather.current", "all", "city:%C3%9Cbach"])
def test_tags(tag: str) -> None:
    """What is a tag."""
    assert keys.tag_key(tag) == f"cp:tag:{tag}"


@pytest.mark.parametrize("tag", ["", "User:1", "user 1", "user:*", "a" * 300, "user:{1}", "1", "user:1\n"])
def test_what_is_no_tag_is_refused(tag: str) -> None:
    """Bumping a wrong tag would invalidate nothing, silently."""
    with pytest.raises(ParameterError):
        keys.tag_key(tag)


def test_the_lease_lies_in_its_entrys_slot() -> None:
    """The braces hold the whole entry key, which is what Redis Cluster hashes of either."""
    key = key_of(lat=1.0)
    assert keys.lease_key(key) == f"cp:lease:{{{key}}}"
    assert "{" not in key


def test_a_budgets_key_does_not_show_the_caller() -> None:
    """Addresses are personal data."""
    assert "203.0.113.7" not in keys.budget_key("weather.current", 60, "ip:203.0.113.7")


def test_equal_secrets_of_two_users_differ() -> None:
    """Whoever sees two keys does not learn that two people typed the same; the same one's are the same."""
    declared = {"user_id": int, "query": str}

    def query(user_id: int) -> str:
        return keys.parts("a.b", declared, {"query"}, {"user_id": user_id, "query": "divorce lawyer"})["query"]

    assert query(1) == query(1)
    assert query(1) != query(2)
