"""Whom CACHES["default"] believes: only values that this site signed, under the key that they were signed for."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
import redis

from cache_platform.stores.signed_pickle import rejections


class CreatesAFile:
    """A pickle of it creates `path` when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_planted_pickle_does_not_run(cache: Any, raw: redis.Redis, tmp_path: Path) -> None:
    """Bytes that somebody else wrote under a key of ours are a miss, in get and in get_many."""
    path = tmp_path / "ran"
    raw.set("site:1:victim", pickle.dumps(CreatesAFile(path)))
    assert cache.get("victim", "default") == "default"
    assert cache.get_many(["victim"]) == {}
    assert not path.exists()
    cache.set("victim", CreatesAFile(path))
    cache.get("victim")
    assert path.exists(), "the planted pickle would have proved nothing"


def test_planted_set_member_does_not_run(cache: Any, raw: redis.Redis, tmp_path: Path) -> None:
    """Members of sets, hashes and sorted sets are verified as values are."""
    planted = pickle.dumps(CreatesAFile(tmp_path / "ran"))
    raw.sadd("site:1:tags", planted)
    raw.zadd("site:1:scores", {planted: 1})
    assert cache.smembers("tags") == set()
    assert list(cache.sscan_iter("tags")) == []
    assert cache.spop("tags") is None
    assert cache.zrange("scores", 0, -1) == []
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("position", [0, 2, 33, 34, -1])
def test_altered_value_is_a_miss(cache: Any, raw: redis.Redis, position: int) -> None:
    """One changed bit anywhere (mark, signature, pickle) makes the value missing."""
    cache.set("key", ["value"])
    stored = bytearray(raw.get("site:1:key"))
    stored[position] ^= 1
    raw.set("site:1:key", bytes(stored))
    assert cache.get("key", "default") == "default"


@pytest.mark.parametrize("planted", [b"", b"S1", b"S1" + b"\0" * 32, b"1_0", b" 1", "१".encode(), b"9" * 5000])
def test_other_bytes_are_a_miss(cache: Any, raw: redis.Redis, planted: bytes) -> None:
    """Neither too short a value nor what Python, but not Redis, reads as an integer is believed."""
    raw.set("site:1:key", planted)
    assert cache.get("key", "default") == "default"


def test_value_copied_to_another_key_is_a_miss(cache: Any, raw: redis.Redis) -> None:
    """The signature is bound to the key: one user's session cannot be put in the place of another's."""
    cache.set("session-of-ada", {"user": "ada"})
    raw.copy("site:1:session-of-ada", "site:1:session-of-eve")
    raw.copy("site:1:session-of-ada", "site:2:session-of-ada")
    assert cache.get("session-of-ada") == {"user": "ada"}
    assert cache.get("session-of-eve") is None
    assert cache.get("session-of-ada", version=2) is None
    assert cache.get_many(["session-of-ada", "session-of-eve"]) == {"session-of-ada": {"user": "ada"}}


def test_value_is_not_accepted_as_a_member(cache: Any, raw: redis.Redis) -> None:
    """Values and members of sets are signed for different purposes."""
    cache.set("key", "value")
    raw.sadd("site:1:set", raw.get("site:1:key"))
    assert cache.smembers("set") == set()


def test_other_type_under_a_key_is_a_miss(cache: Any, raw: redis.Redis) -> None:
    """A set where a value is asked for is a miss, and no reason to stop asking the server."""
    raw.sadd("site:1:key", 1)
    assert cache.get("key", "default") == "default"
    assert not cache.client.breaker.is_open


def test_rejections_are_counted_and_told_once_without_key_or_value(
    cache: Any, raw: redis.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first unreadable value is a warning, the others are counted: an attacker cannot fill the log."""
    monkeypatch.setattr(rejections, "count", 0)
    raw.set("site:1:secret-key", b"planted")
    with caplog.at_level(logging.WARNING, logger="cache_platform"):
        for _ in range(3):
            cache.get("secret-key")
    assert rejections.count == 3
    assert len(caplog.records) == 1
    assert "secret-key" not in caplog.text
    assert "planted" not in caplog.text


def test_former_secret_is_accepted_for_reading(cache: Any, settings: Any) -> None:
    """SECRET_KEY can be changed without losing the cache, as long as SECRET_KEY_FALLBACKS names the older one."""
    cache.set("key", "value")
    former, settings.SECRET_KEY = settings.SECRET_KEY, "another secret, long enough"
    assert cache.get("key") is None
    settings.SECRET_KEY_FALLBACKS = [former]
    assert cache.get("key") == "value"


def test_value_of_a_class_that_is_gone_is_a_miss(cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that an older release stored, and that this one cannot unpickle, is missing and no error."""
    cache.set("key", CreatesAFile(Path("x")).__class__)
    monkeypatch.delattr(f"{__name__}.CreatesAFile")
    assert cache.get("key", "default") == "default"
