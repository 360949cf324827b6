"""`manage.py cache_stats`: the numbers of the API, as JSON, as plain lines and on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError
from django.test import Client

from cache_platform import SourceUnavailable, get_or_load, statistics
from cache_platform.pages import wording
from cache_platform.testing import isolated_cache
from tests.integration.accounts.credentials import empty_redis, new_user, sign_in
from tests.integration.commands.running import Ran, Terminal, run
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
Read = Callable[..., int]


@pytest.fixture(autouse=True)
def empty_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a database to ask."""
    monkeypatch.setattr("cache_platform.inventory.outbox_rows", lambda: 0)


def stats(*arguments: str, **options: Any) -> Ran:
    return run("cache_stats", *arguments, **options)


def broken(user_id: int) -> Any:
    raise SourceUnavailable("the source", "refused the connection")


@pytest.fixture
def busy(thing: Any, other: Any, read: Read, redis_cache: RedisUnderTest) -> Any:
    """Two policies were read: the one five times with two loads, the other once with an error."""
    read(thing, 1, 2, 1, 1, 2)
    with pytest.raises(SourceUnavailable):
        get_or_load(other, {"user_id": 1}, broken)
    return thing


@pytest.mark.django_db(transaction=True)
def test_it_says_what_the_api_says(client: Client, thing: Any, read: Read, empty_redis: RedisUnderTest) -> None:
    """To the unit, for every policy."""
    read(thing, 1, 2, 1, 1, 2)
    bearer = sign_in(client, new_user(is_staff=True)).bearer
    said = client.get("/api/cache/stats", headers=bearer).json()
    found = stats("--json")
    assert (found.code, found.err) == (0, "")
    body = found.json
    assert body.keys() == said.keys()
    assert [row for row in body["patterns"] if row["name"] == "test.thing"] == [
        row for row in said["patterns"] if row["name"] == "test.thing"
    ]
    assert {row["name"] for row in body["patterns"]} == {row["name"] for row in said["patterns"]}
    [row] = [row for row in body["patterns"] if row["name"] == "test.thing"]
    assert (row["hits"], row["misses"], row["loads"], row["count"]) == (3, 2, 2, 2)


@pytest.mark.usefixtures("busy")
def test_plain_lines_for_pipes() -> None:
    """One for each policy, the most read first, and the sums; no colours, nothing on stderr."""
    found = stats("--window=5m")
    assert (found.code, found.err) == (0, "")
    assert "\x1b" not in found.out
    title, *rows = (re.split(" {2,}", line) for line in found.out.splitlines())
    assert title[:4] == ["policy", "reads", "hit rate", "local"]
    by_name = {row[0]: dict(zip(title[1:8], row[1:8], strict=True)) for row in rows}
    assert by_name["test.thing"] == {
        "reads": "5", "hit rate": "60.0 %", "local": "0", "stale": "0", "misses": "2", "waited": "0", "loads": "2",
    }  # fmt: skip
    assert by_name["test.other"]["reads"] == "1"
    assert by_name["all"]["reads"] == "6"
    assert rows[0][0] == "test.thing"
    assert "news.headlines" in by_name


@pytest.mark.usefixtures("busy")
def test_a_policy_alone() -> None:
    """Its sums are its own."""
    body = stats("--policy=test.thing", "--json").json
    assert [row["name"] for row in body["patterns"]] == ["test.thing"]
    assert [body["performance"][name] for name in ("hits", "misses", "loads", "load_errors")] == [3, 2, 2, 0]
    assert [row[0] for row in stats("--policy=test.thing").rows] == ["policy", "test.thing"]


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.usefixtures("busy")
def test_on_a_terminal_it_fits(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """The important columns stay; what nobody read is named in one line; errors stand out."""
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    found = stats(terminal=True)
    shown = found.out
    lines = found.seen.splitlines()
    [row] = [line.split() for line in lines if line.startswith("test.thing ")]
    assert row[:4] == ["test.thing", "5", "60.0", "%"]
    assert "not read: accounts.profile" in shown
    assert all(len(line) <= width for line in lines[2:])
    assert ("p95" in shown.splitlines()[2]) is (width > 40)


@pytest.mark.parametrize("micro_usd", [200, 40_000_000])
def test_money_and_shares_are_written_as_on_the_staff_page(busy: Any, micro_usd: int) -> None:
    """A saving of less than a cent is there, and nothing saved is no sum."""
    statistics.counters.add("test.thing", {"micro_usd_saved": micro_usd})
    found = stats("--policy=test.thing", terminal=True)
    assert f"{wording.dollars(micro_usd)} saved" in found.seen
    plain = {row[0]: row[-1] for row in stats().rows}
    assert (plain["test.thing"], plain["test.other"]) == (wording.dollars(micro_usd), "-")
    assert "60.0 % hits, 60.0 % fewer calls" in found.seen
    assert re.search(r"\d%", found.seen + stats().out) is None


@pytest.mark.usefixtures("busy")
def test_errors_stand_out() -> None:
    """In red."""
    assert "\x1b[1;31m" in stats(terminal=True).out


def test_without_redis_the_counts_are_not_known(redis_cache: RedisUnderTest) -> None:
    """Exit code 2; JSON says so by nulls, and what is known of the servers is there."""
    redis_cache.pause()
    found, plain, shown = stats("--json"), stats(), stats(terminal=True)
    redis_cache.resume()
    assert (found.code, plain.code, shown.code) == (2, 2, 2)
    assert (found.json["performance"], found.json["redis"]["connected"]) == (None, False)
    assert (plain.out, plain.err.startswith("error: the store is away")) == ("", True)
    assert "redis" in shown.out


def test_an_unknown_policy_is_told_with_near_names(thing: Any) -> None:
    """Exit code 2."""
    with isolated_cache():
        found = stats("--policy=test.thin")
    assert (found.code, found.out) == (2, "")
    assert "did you mean test.thing" in found.err


def test_an_unknown_window_is_refused() -> None:
    """By the parser, with those that there are."""
    with pytest.raises(CommandError, match="5m"):
        stats("--window=2h")


def test_nothing_read_is_no_error() -> None:
    """A quiet site."""
    with isolated_cache():
        found = stats(terminal=True)
    assert (found.code, "nothing was read" in found.out) == (0, True)


@pytest.mark.usefixtures("busy")
@pytest.mark.parametrize(
    ("variable", "value", "encoding"), [("TERM", "dumb", "utf-8"), ("LANG", "C", "ascii")], ids=["dumb", "ASCII"]
)
def test_a_terminal_that_can_do_little_gets_plain_lines(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, encoding: str
) -> None:
    """Rather than letters that it does not know."""
    monkeypatch.setenv(variable, value)
    monkeypatch.setattr(Terminal, "encoding", encoding)
    found = stats(terminal=True)
    assert found.out.isascii()
    assert found.rows[0][:2] == ["policy", "reads"]


def test_without_rich_a_terminal_gets_what_a_pipe_gets(monkeypatch: pytest.MonkeyPatch, thing: Any) -> None:
    """It is an extra: the command says how to have it, and works."""
    with isolated_cache():
        get_or_load(thing, {"user_id": 1}, lambda user_id: {})
        piped = run("cache_stats")
        monkeypatch.setattr("cache_platform.commands.operator.HAS_RICH", False)
        plain = run("cache_stats", terminal=True)
    assert (plain.code, plain.rows) == (piped.code, piped.rows)
    assert "install cache_platform with its extra `commands`" in plain.err
