"""`manage.py cache_clear`: what goes, what is asked first, and what it exits with."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from io import StringIO
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError

from cache_platform import audit, get_or_load
from cache_platform.exceptions import StoreUnavailable
from cache_platform.models import OutboxRow
from cache_platform.stores import get_store
from cache_platform.testing import failing_store, isolated_cache
from tests.integration.commands.running import Ran, Terminal, run
from tests.services.redis import RedisUnderTest

Read = Callable[..., int]


@pytest.fixture
def full(thing: Any, other: Any, read: Read, redis_cache: RedisUnderTest) -> Any:
    """Two policies with two entries each, in Redis."""
    assert read(thing, 1, 2) == read(other, 1, 2) == 2
    return thing


def clear(*arguments: str, **options: Any) -> Ran:
    return run("cache_clear", *arguments, **options)


KINDS = [
    ("--policy=test.thing", {"policy": "test.thing"}, 2, 1, (2, 0)),
    ("--tag=user:1", {"tag": "user:1"}, None, 1, (1, 1)),
    ("--user=1", {"user": 1}, None, 1, (1, 1)),
    ("--pattern=test.*:user_id=2:*", {"pattern": "test.*:user_id=2:*"}, 2, 0, (1, 1)),
    ("--all", {"all": True}, 4, 1, (2, 2)),
]


@pytest.mark.parametrize(("argument", "target", "entries", "generations", "loads"), KINDS, ids=[k[0] for k in KINDS])
def test_each_kind_is_counted_and_flushed(
    full: Any, other: Any, read: Read, argument: str, target: Any, entries: int | None, generations: int, loads: Any
) -> None:
    """A dry run says what would go and takes nothing; the flush answers as the API does; twice is harmless."""
    dry = clear(argument, "--dry-run", "--json")
    assert (dry.code, dry.err) == (0, "")
    assert dry.json == {"target": target, "dryRun": True, "entries": entries, "generations": generations}
    assert (read(full, 1, 2), read(other, 1, 2)) == (0, 0)
    done = clear(argument, "--yes", "--json")
    assert done.code == 0, done.err
    body = done.json
    assert body.pop("milliseconds") >= 0
    assert body == {"target": target, "entries": entries, "generations": generations, "waiting": False}
    assert clear(argument, "--yes").code == 0
    assert (read(full, 1, 2), read(other, 1, 2)) == loads


def test_a_single_entry(full: Any, read: Read) -> None:
    """By its whole key."""
    done = clear(f"--key={full.address({'user_id': 1}).key}", "--yes")
    assert (done.code, "1 entry in" in done.out) == (0, True)
    assert read(full, 1, 2) == 1


def test_only_entries_under_the_prefix_go(full: Any, redis_cache: RedisUnderTest) -> None:
    """Not what other programs keep there, nor generations and counters."""
    with redis_cache.client() as raw:
        raw.set("theirs:test.thing:1", "x")
        before = {name for name in raw.scan_iter() if not name.startswith(b"cp:test.")}
        assert clear("--pattern=test*", "--yes", "--json").json["entries"] == 4
        assert before <= set(raw.scan_iter())


def test_a_dry_run_of_a_pattern_shows_keys(full: Any, read: Read) -> None:
    """A few of them, and how many more there are."""
    read(full, *range(3, 9))
    lines = clear("--pattern=test.thing:*", "--dry-run").out.splitlines()
    assert lines[0] == "would flush what matches test.thing:*: 8 entries"
    assert len(lines) == 7
    assert all(line.startswith("  cp:test.thing:user_id=") for line in lines[1:6])
    assert lines[6] == "  and 3 more"


def test_a_key_cannot_write_to_the_terminal(full: Any, redis_cache: RedisUnderTest) -> None:
    """What no screen prints is shown as Python would; and a key that is no text is nobody's entry."""
    with redis_cache.client() as raw:
        raw.set("cp:test.thing:\x1b[2Jevil:1", "x")
        raw.set(b"cp:test.thing:\xff\xfe", "x")
    done = clear("--pattern=test.thing:*evil*", "--dry-run")
    assert r"cp:test.thing:\x1b[2Jevil:1" in done.out
    assert "\x1b" not in done.out
    assert clear("--pattern=test.thing:*", "--dry-run", "--json").json["entries"] == 3


def test_the_line_tells_what_went(full: Any, caplog: pytest.LogCaptureFixture) -> None:
    """In words, without a colour; of the log's lines the audit's alone is there."""
    caplog.set_level(logging.INFO)
    done = clear("--policy=test.thing", "--yes")
    assert done.out.startswith("flushed the policy test.thing: 2 entries in ")
    assert "\x1b" not in done.out
    assert [each.name for each in caplog.records] == ["cache_platform.audit"]


@pytest.mark.parametrize(
    ("arguments", "terminal", "shown"),
    [
        ([], True, False),
        (["-v2"], True, True),
        (["--json"], True, True),
        ([], False, True),
    ],
    ids=["terminal", "-v 2", "JSON", "pipe"],
)
def test_the_audit_line_is_no_noise_on_a_terminal(full: Any, arguments: list[str], terminal: bool, shown: bool) -> None:
    """Whoever sits there is told by the result; a log that is kept has the line always, and so has a pipe."""
    screen, kept = logging.StreamHandler(Terminal()), logging.StreamHandler(StringIO())
    audit.logger.addHandler(screen)
    audit.logger.addHandler(kept)
    level = audit.logger.level
    audit.logger.setLevel(logging.INFO)
    try:
        assert clear("--policy=test.thing", "--yes", *arguments, terminal=terminal).code == 0
        audit.logger.info("afterwards")
    finally:
        audit.logger.removeHandler(screen)
        audit.logger.removeHandler(kept)
        audit.logger.setLevel(level)
    assert ("flushed policy test.thing by a command of" in screen.stream.getvalue()) is shown
    assert "flushed policy test.thing by a command of" in kept.stream.getvalue()
    assert screen.stream.getvalue().endswith("afterwards\n")


def test_a_flush_that_fails_is_told_in_full(full: Any) -> None:
    """On a terminal too: the audit's line alone says how many entries are gone."""
    screen = logging.StreamHandler(Terminal())
    audit.logger.addHandler(screen)
    try:
        with mock.patch.object(get_store(), "delete", side_effect=StoreUnavailable("gone")):
            done = clear("--pattern=test.thing:*", "--yes", terminal=True)
    finally:
        audit.logger.removeHandler(screen)
    assert (done.code, "error: not flushed, or not whole" in done.err) == (2, True)
    assert "failed, or not whole: flushing pattern test.thing:* by a command of" in screen.stream.getvalue()


def test_nobody_to_ask_is_an_error(full: Any, read: Read) -> None:
    """A script that forgot --yes flushes nothing."""
    done = clear("--policy=test.thing")
    assert (done.code, done.out) == (2, "")
    assert "--yes" in done.err
    assert read(full, 1, 2) == 0


@pytest.mark.parametrize(
    ("argument", "typed", "flushed"),
    [
        ("--policy=test.thing", "y\n", True),
        ("--policy=test.thing", "YES\n", True),
        ("--policy=test.thing", "\n", False),
        ("--policy=test.thing", "n\n", False),
        ("--policy=test.thing", "", False),
        ("--pattern=test.thing*", "y\n", True),
        ("--all", "y\n", False),
        ("--all", "all\n", True),
    ],
)
def test_it_asks_on_a_terminal(
    full: Any, read: Read, monkeypatch: pytest.MonkeyPatch, argument: str, typed: str, flushed: bool
) -> None:
    """Everything wants its word typed. The question is no data: it is on stderr."""
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    done = clear(argument, terminal=True)
    assert (done.code, bool(done.out)) == ((0, True) if flushed else (1, False))
    assert "There is no way back" in done.err
    assert ("may still store what it has read" in done.err) is argument.startswith("--pattern")
    assert ("nothing is flushed" in done.err) is not flushed
    assert read(full, 1, 2) == (2 if flushed else 0)


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("--tag=all", "choose everything (all) instead"),
        ("--pattern=*:*", "choose everything (all) instead"),
        ("--policy=test.thin", "did you mean test.thing"),
        ("--tag=", "exactly one of"),
        ("--tag=ü", "must be a tag"),
        ("--user=x", "must be a user's id"),
        ("--key=cp:tag:all", "must be an entry's whole key"),
    ],
)
def test_a_wrong_target_is_one_clear_line(full: Any, argument: str, said: str) -> None:
    """With what is allowed."""
    done = clear(argument, "--yes")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert said in done.err


def test_a_tag_that_no_policy_has_is_doubted_and_flushed(full: Any, read: Read) -> None:
    """On stderr, before anything else; of one that a policy has nothing is said."""
    for arguments in (["--yes"], ["--dry-run"], ["--yes", "--json"]):
        done = clear("--tag=usr:1", *arguments)
        assert (done.code, done.err) == (0, "warning: No policy declares a tag like usr:…\n")
    assert clear("--tag=policy:test.thing", "--yes").err == ""
    assert read(full, 1, 2) == 2


@pytest.mark.parametrize("arguments", [[], ["--all", "--user=1"]], ids=["none", "two"])
def test_there_is_exactly_one_target(arguments: list[str]) -> None:
    """The parser says which there are."""
    with pytest.raises(CommandError, match=r"--policy|not allowed with"):
        clear(*arguments, "--yes")


@pytest.mark.django_db(transaction=True)
def test_without_redis_a_policy_waits_in_the_outbox(full: Any, redis_cache: RedisUnderTest, settings: Any) -> None:
    """Exit code 1: not yet. A pattern fails, since nothing can be deleted there; a dry run too."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    redis_cache.pause()
    done = clear("--policy=test.thing", "--yes", "--json")
    assert (done.code, done.json["waiting"], done.json["entries"]) == (1, True, None)
    assert "waits in the outbox" in done.err
    assert "policy:test.thing" in OutboxRow.objects.values_list("tags", flat=True)
    for arguments in (["--pattern=test*", "--yes"], ["--policy=test.thing", "--dry-run"]):
        done = clear(*arguments)
        assert (done.code, done.out) == (2, "")
        assert "the store is away" in done.err
    redis_cache.resume()
    assert not LogEntry.objects.exists()


def test_what_neither_takes_is_not_flushed(full: Any, redis_cache: RedisUnderTest) -> None:
    """Without an outbox this process would make up for it, which ends now: exit code 2."""
    redis_cache.pause()
    done = clear("--policy=test.thing", "--yes")
    redis_cache.resume()
    assert (done.code, done.out) == (2, "")
    assert "neither" in done.err


def test_memory_is_told_apart(thing: Any) -> None:
    """What this process has is not what the site has."""
    with isolated_cache():
        get_or_load(thing, {"user_id": 1}, lambda user_id: {})
        done = clear("--policy=test.thing", "--yes", "--json")
    assert (done.code, done.json["entries"]) == (0, 1)
    assert done.err.startswith("warning: ")


def test_a_count_that_fails_half_way_deletes_nothing(full: Any, read: Read) -> None:
    """Of a pattern nobody knows how much it would be."""
    with failing_store("scan"):
        assert clear("--pattern=test*", "--yes").code == 2
    assert read(full, 1, 2) == 0
