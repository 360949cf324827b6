"""Flushing by hand: what may be asked for, what each kind takes away, and what is written down."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.db import OperationalError

from cache_platform import InvalidQuery, StoreUnavailable, flushing, get_or_load, keys
from cache_platform.flushing import Count, Target, count, flush, target_of
from cache_platform.stores.memory import MemoryStore
from cache_platform.testing import failing_store, isolated_cache

LEAVE = "cache_platform.transactions.leave_to_the_relay"


class Shelf:
    """Two policies with entries for the users 1 and 2."""

    def __init__(self, declare: Any) -> None:
        tags = ("user:{user_id}", "shelf")
        self.thing = declare(name="test.thing", schema=dict, params={"user_id": int}, tags=tags)
        self.other = declare(name="test.other", schema=dict, params={"user_id": int}, tags=("user:{user_id}",))

    def loads(self) -> set[str]:
        """Read all four; which of them had to be loaded."""
        loaded = set()

        def load(name: str, user_id: int) -> dict[str, int]:
            loaded.add(f"{name}{user_id}")
            return {"id": user_id}

        for policy, name in ((self.thing, "thing"), (self.other, "other")):
            for user_id in (1, 2):
                get_or_load(policy, {"user_id": user_id}, lambda user_id, name=name: load(name, user_id))
        return loaded

    def key(self, user_id: int) -> str:
        return self.thing.address({"user_id": user_id}).key


@pytest.fixture
def memory() -> Iterator[MemoryStore]:
    with isolated_cache() as store:
        yield store


@pytest.fixture
def shelf(memory: MemoryStore, declare: Any) -> Shelf:
    """All four entries are there."""
    shelf = Shelf(declare)
    assert len(shelf.loads()) == 4
    return shelf


ALL = {"thing1", "thing2", "other1", "other2"}


@pytest.mark.parametrize(
    ("given", "gone", "counted", "entries", "generations"),
    [
        ({"policy": "test.thing"}, {"thing1", "thing2"}, 2, None, 1),
        ({"tag": "shelf"}, {"thing1", "thing2"}, None, None, 1),
        ({"user": 1}, {"thing1", "other1"}, None, None, 1),
        ({"user": "1"}, {"thing1", "other1"}, None, None, 1),
        ({"user": 1.0}, {"thing1", "other1"}, None, None, 1),
        ({"pattern": "test.*:user_id=2:*"}, {"thing2", "other2"}, 2, 2, 0),
        ({"pattern": "nothing*"}, set(), 0, 0, 0),
        ({"all": True}, ALL, 4, None, 1),
    ],
)
def test_each_kind_takes_away_what_it_names(
    shelf: Shelf, given: Any, gone: set[str], counted: int | None, entries: int | None, generations: int
) -> None:
    """And nothing else; what was counted before is what went, and a second time is harmless."""
    target = target_of(given)
    assert count(target) == Count(entries=counted, generations=generations)
    done = flush(target, by=None, where="command")
    assert (done.target, done.entries, done.generations, done.waiting) == (target, entries, generations, False)
    assert done.milliseconds >= 0
    flush(target, by=None, where="command")
    assert shelf.loads() == gone


def test_one_entry_is_deleted_by_its_key(shelf: Shelf) -> None:
    """As redis-cli shows it, stars and all taken literally; the second time there is nothing to delete."""
    target = target_of({"key": shelf.key(1)})
    assert count(target) == Count(entries=1, generations=0)
    assert flush(target, by=None, where="command").entries == 1
    assert count(target).entries == 0
    assert flush(target, by=None, where="command").entries == 0
    assert shelf.loads() == {"thing1"}
    assert count(target_of({"key": "cp:test.thing:*"})).entries == 0


def test_a_single_entry_is_counted_without_a_walk(shelf: Shelf, memory: MemoryStore) -> None:
    """One question, however many others there are, and whoever else is counting."""
    target = target_of({"key": shelf.key(1)})
    with mock.patch.object(memory, "scan", side_effect=AssertionError("it walks")), flushing._counting:
        assert count(target, within=0) == Count(entries=1, generations=0)


def test_sets_that_nobody_closed_are_read_once() -> None:
    """Reading them in each way that there is would take longer than the universe has."""
    assert flushing.NAMELESS.fullmatch(("[" + "?" * 200) * 50 + "]a") is None
    assert flushing.NAMELESS.fullmatch("[" * 10_000 + "\\") is None
    assert flushing.NAMELESS.fullmatch("[?" * 50) is not None


def test_a_pattern_reaches_entries_alone(shelf: Shelf, memory: MemoryStore) -> None:
    """Never generations, whatever it matches."""
    tags = set(memory.scan("cp:tag:*"))
    assert count(target_of({"pattern": "test*"})).entries == 4
    assert flush(target_of({"pattern": "test*"}), by=None, where="command").entries == 4
    assert set(memory.scan("cp:tag:*")) == tags


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({}, "target", "exactly one of policy, tag, user, pattern, key, all"),
        ({"policy": "test.thing", "user": 1}, "target", "exactly one"),
        ({"polizy": "test.thing"}, "polizy", "give one of policy, tag"),
        ({"policy": "test.thin"}, "policy", "did you mean test.thing?"),
        ({"policy": "zzz"}, "policy", "there are .*test.thing"),
        ({"policy": 3}, "policy", "there is no such policy"),
        ({"policy": "test.thing" * 200_000}, "policy", "there is no such policy"),
        ({"tag": "Not A Tag"}, "tag", "as in user:42"),
        ({"tag": "t" * 300}, "tag", "as in user:42"),
        ({"tag": None}, "tag", "as in user:42"),
        ({"user": 0}, "user", "a user's id"),
        ({"user": -1}, "user", "a user's id"),
        ({"user": True}, "user", "a user's id"),
        ({"user": 1.5}, "user", "a user's id"),
        ({"user": 2.0**53}, "user", "a user's id"),
        ({"user": float("inf")}, "user", "a user's id"),
        ({"user": float("nan")}, "user", "a user's id"),
        ({"user": 2**63}, "user", "a user's id"),
        ({"user": "1:x"}, "user", "a user's id"),
        ({"user": "\u0664"}, "user", "a user's id"),
        ({"pattern": ""}, "pattern", "a Redis glob"),
        ({"pattern": "a b"}, "pattern", "a Redis glob"),
        ({"pattern": "a\ud800"}, "pattern", "a Redis glob"),
        ({"pattern": "a\x00"}, "pattern", "a Redis glob"),
        ({"pattern": "a" * 121}, "pattern", "120 characters"),
        ({"pattern": "a*b*c*d*e*f*"}, "pattern", "5 stars"),
        ({"pattern": "a[b][b][b][b][b][b]"}, "pattern", "5 sets"),
        ({"pattern": "*"}, "pattern", r"choose everything \(all\) instead"),
        ({"pattern": "**:*.?"}, "pattern", r"choose everything \(all\) instead"),
        ({"pattern": "[!-~]*[a"}, "pattern", r"choose everything \(all\) instead"),
        ({"tag": "all"}, "tag", r"choose everything \(all\) instead"),
        ({"pattern": ["*"]}, "pattern", "a Redis glob"),
        ({"key": "site:1:session"}, "key", "an entry's whole key"),
        ({"key": "cp:tag:user:1"}, "key", "an entry's whole key"),
        ({"key": "test.thing:user_id=1"}, "key", "an entry's whole key"),
        ({"all": False}, "all", "must be true"),
        ({"all": "true"}, "all", "must be true"),
        ({"all": 1}, "all", "must be true"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(shelf: Shelf, given: Any, field: str, says: str) -> None:
    """With what is allowed, and nothing is flushed."""
    with pytest.raises(InvalidQuery, match=says) as refused:
        target_of(given)
    assert refused.value.field == field
    assert shelf.loads() == set()


@pytest.mark.parametrize(
    ("target", "text"),
    [(Target("all", "*"), "all"), (Target("user", "4"), "user 4"), (Target("policy", "a.b"), "policy a.b")],
)
def test_a_target_says_what_it_is(target: Target, text: str) -> None:
    """As logs and pages show it."""
    assert str(target) == text


def test_every_flush_is_a_line_in_the_log(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What, who, where and how much; of a command, whose process it is and who came to be that user by sudo."""
    monkeypatch.setattr("getpass.getuser", lambda: "deploy")
    monkeypatch.setenv("SUDO_USER", "ada\n")
    who = r"a command of 'deploy' (sudo by 'ada\n')"
    caplog.set_level(logging.INFO, logger="cache_platform.audit")
    flush(target_of({"policy": "test.thing"}), by=None, where="command", counted=2)
    flush(target_of({"pattern": "test.other:*"}), by=None, where="command")
    assert [each.getMessage() for each in caplog.records if each.name == "cache_platform.audit"] == [
        f"flushed policy test.thing by {who}: entries 2, generations 1",
        f"flushed pattern test.other:* by {who}: entries 2, generations 0",
    ]


@pytest.mark.django_db
def test_who_flushed_is_in_djangos_history(shelf: Shelf) -> None:
    """A LogEntry with what, where and how many, which the admin can show."""
    user = get_user_model().objects.create_user("flusher", password="x")
    flush(target_of({"policy": "test.thing"}), by=user, where="admin", counted=2)
    [entry] = LogEntry.objects.all()
    assert (entry.user, entry.action_flag, entry.object_repr) == (user, DELETION, "policy test.thing")
    assert (entry.content_type.app_label, entry.content_type.model) == ("cache_platform", "cache")
    assert json.loads(entry.change_message)[0]["deleted"] == {
        "name": "cache entries", "object": "policy test.thing", "where": "admin",
        "entries": 2, "generations": 1, "waiting": False, "failed": False,
    }  # fmt: skip
    assert entry.get_change_message() == "Deleted cache entries “policy test.thing”."


@pytest.mark.django_db
def test_a_log_entry_that_cannot_be_written_hides_no_flush(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    """What is flushed is flushed; the log has it, and that the database did not take it."""
    caplog.set_level(logging.INFO, logger="cache_platform.audit")
    user = get_user_model().objects.create_user("flusher", password="x")
    with mock.patch.object(LogEntry.objects, "create", side_effect=OperationalError("gone")):
        assert flush(target_of({"all": True}), by=user, where="api").generations == 1
    assert "flushed all by user" in caplog.messages[-2]
    assert "did not take the log entry" in caplog.messages[-1]
    assert shelf.loads() == ALL


@pytest.mark.parametrize(("given", "failing"), [({"pattern": "test*"}, "scan"), ({"key": "cp:test.thing:x"}, "delete")])
def test_entries_cannot_be_deleted_without_the_store(shelf: Shelf, given: Any, failing: str) -> None:
    """It says that nothing may be flushed, and what to do; that somebody tried is written down."""
    with failing_store(failing), pytest.raises(StoreUnavailable, match=r"not flushed.*waits in the outbox"):
        flush(target_of(given), by=None, where="command")


@pytest.mark.django_db
def test_a_flush_that_fails_half_way_is_written_down(
    shelf: Shelf, memory: MemoryStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With how many entries it had deleted by then: those are gone."""
    monkeypatch.setattr("cache_platform.generations.PAGE", 3)
    user = get_user_model().objects.create_user("flusher", password="x")
    real = memory.delete

    def fail_later(names: Any) -> int:
        if len(list(names)) < 3:
            raise StoreUnavailable("gone")
        return real(names)

    with mock.patch.object(memory, "delete", fail_later), pytest.raises(StoreUnavailable, match="or not whole"):
        flush(target_of({"pattern": "test.*"}), by=user, where="api")
    [line] = [each for each in caplog.records if each.name == "cache_platform.audit"]
    assert line.levelname == "WARNING"
    assert "failed, or not whole: flushing pattern test.* by user" in line.getMessage()
    assert "entries 3, generations 0" in line.getMessage()
    [entry] = LogEntry.objects.all()
    said = json.loads(entry.change_message)[0]["deleted"]
    assert (said["entries"], said["failed"], said["waiting"]) == (3, True, False)
    assert len(shelf.loads()) == 3


def test_a_pattern_is_deleted_a_page_at_a_time(
    shelf: Shelf, memory: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many there are, their names are never all in memory."""
    monkeypatch.setattr("cache_platform.generations.PAGE", 3)
    with failing_store("nothing") as store:
        assert flush(target_of({"pattern": "test*"}), by=None, where="command").entries == 4
    assert store.calls == ["scan", "delete", "delete"]


def test_a_policy_is_flushed_without_the_store_by_the_outbox(shelf: Shelf) -> None:
    """What cannot be bumped waits, and it is said that it does."""
    with failing_store("bump"), mock.patch(LEAVE, return_value="outbox") as left:
        done = flush(target_of({"policy": "test.thing"}), by=None, where="command")
    assert (done.generations, done.waiting, done.not_taken) == (0, True, False)
    left.assert_called_once_with([keys.policy_tag("test.thing")])


@pytest.mark.django_db
def test_what_this_process_alone_knows_of_is_not_called_waiting(shelf: Shelf, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the store nor the database took it: the log says so at WARNING, and Django's history if it can."""
    user = get_user_model().objects.create_user("flusher", password="x")
    with failing_store("bump"), mock.patch(LEAVE, return_value="process"):
        done = flush(target_of({"policy": "test.thing"}), by=user, where="api")
    assert (done.waiting, done.not_taken) == (False, True)
    [line] = [each for each in caplog.records if each.name == "cache_platform.audit"]
    assert line.levelname == "WARNING"
    assert line.getMessage().startswith("not taken: flushing policy test.thing by user")
    assert line.getMessage().endswith("known to this process alone")
    said = json.loads(LogEntry.objects.get().change_message)[0]["deleted"]
    assert (said["failed"], said["waiting"]) == (True, False)


def test_a_count_ends_in_time_and_is_the_only_one(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has found by then is the least that there is; while another one is under way it does not begin."""
    target = target_of({"policy": "test.thing"})
    assert count(target, within=60) == Count(entries=2, generations=1)
    assert count(target, within=0) == Count(entries=2, generations=1, whole=False)
    monkeypatch.setattr("cache_platform.flushing._counting", busy := threading.Lock())
    with busy:
        assert count(target, within=0) == Count(entries=None, generations=1, whole=False)
    assert not busy.locked()
