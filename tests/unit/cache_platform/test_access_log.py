"""Log lines: short, bounded, and nothing in them that a client could have written."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from cache_platform import access_log
from cache_platform.reads import Read, Source

LOGGER = "cache_platform.access"


def outcome(source: Source, detail: str = "") -> Read[Any]:
    """A read."""
    return Read(value={"secret": "value"}, policy="a.b", source=source, detail=detail)


@pytest.fixture(autouse=True)
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What was logged."""
    caplog.set_level(logging.INFO, LOGGER)
    return caplog


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (outcome("hit"), "HIT"),
        (outcome("local", "local"), "HIT local"),
        (outcome("stale", "provider-error"), "STALE"),
        (outcome("load"), "MISS"),
        (outcome("wait"), "MISS collapsed"),
        (outcome("bypass", "held"), "MISS bypass held"),
        (None, "MISS failed"),
    ],
)
def test_the_first_words_say_what_came_of_it(read: Read[Any] | None, words: str) -> None:
    """The same words that the statistics count by."""
    assert access_log.words(read) == words


def test_a_line_has_policy_key_and_milliseconds(
    monkeypatch: pytest.MonkeyPatch, lines: pytest.LogCaptureFixture
) -> None:
    """In this order, one decimal."""
    clock = iter([10.0, 10.00042])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    access_log.note("accounts.profile", "cp:accounts.profile:user_id=42:1f0c2b7e", outcome("hit"), access_log.started())
    assert lines.messages == ["HIT accounts.profile cp:accounts.profile:user_id=42:1f0c2b7e 0.4 ms"]


def test_a_large_batch_is_one_line(monkeypatch: pytest.MonkeyPatch, lines: pytest.LogCaptureFixture) -> None:
    """With how many reads came out how."""
    clock = iter([10.0, 10.0123])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    began = access_log.started()
    access_log.note_batch("a.b", [*[outcome("hit")] * 498, outcome("load"), None], began)
    access_log.note_batch("a.b", [], None)
    assert lines.messages == ["BATCH a.b: 498 HIT, 1 MISS, 1 MISS failed 12.3 ms"]


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (1, "INVALIDATED user:0 1.2 ms"),
        (5, "INVALIDATED user:0 user:1 user:2 user:3 user:4 1.2 ms"),
        (5000, "INVALIDATED user:0 user:1 user:2 user:3 user:4 +4995 more 1.2 ms"),
    ],
)
def test_an_invalidation_shows_a_few_tags(count: int, shown: str, lines: pytest.LogCaptureFixture) -> None:
    """A bulk write of any size is one short line."""
    access_log.invalidated([f"user:{number}" for number in range(count)], 1.23)
    assert lines.messages == [shown]


def test_nothing_is_measured_or_written_when_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, lines: pytest.LogCaptureFixture
) -> None:
    """Neither the clock nor the words are asked for."""

    def must_not_be_called(*_: object) -> Any:
        raise AssertionError("asked for nothing")

    monkeypatch.setattr("time.perf_counter", must_not_be_called)
    monkeypatch.setattr(access_log, "words", must_not_be_called)
    lines.set_level(logging.WARNING, LOGGER)
    began = access_log.started()
    assert began is None
    access_log.note("a.b", "key", outcome("hit"), began)
    access_log.note_batch("a.b", [outcome("hit")], began)
    access_log.invalidated(["user:1"], 1.0)
    assert lines.messages == []
