"""The page of all policies: its numbers are the stats endpoint's, and looking at it costs little."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client

from cache_platform import entry_counts
from cache_platform.pages import numbers, surroundings
from cache_platform.pages.policy_table import KEYS, policy_table
from cache_platform.pages.wording import DASH, NBSP
from cache_platform.policies import registry
from cache_platform.statistics import WINDOWS, counters
from cache_platform.stores.redis import RedisStore
from tests.integration.accounts.credentials import sign_in
from tests.integration.staff.conftest import Browser, staff
from tests.services.redis import RedisUnderTest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

PATH = "/admin/cache/"
PART = {"HX-Request": "true"}


def row(html: str, name: str) -> list[str]:
    """The texts of a policy's cells, without its sparkline."""
    [line] = re.findall(rf'<tr id="row-{re.escape(name)}".*?</tr>', html, re.DOTALL)
    return [text.strip() for text in re.findall(r"<td class=\"(?!cp-trend)[^\"]*\">(.*?)</td>", line)]


def order(html: str) -> list[str]:
    """The names in the table, from above."""
    return re.findall(r'<tr id="row-([^"]+)"', html)


def test_the_numbers_are_those_of_the_stats_endpoint(client: Client, browser: Browser, thing: Any) -> None:
    """To the unit, and so are the sums of the table over time and of the chart's data."""
    html = browser("view_cache").get(PATH).content.decode()
    reader = staff()
    stats = client.get("/api/cache/stats?window=1h", headers=sign_in(client, reader).bearer).json()
    [pattern] = [each for each in stats["patterns"] if each["name"] == thing.name]
    reads, rate, hits, local, stale, misses, waited, superseded, calls, errors = row(html, thing.name)[:10]
    assert (reads, rate) == ("3", f"33.3{NBSP}%")
    assert pattern["hitRate"] == "33.3%", "as the endpoint always has it"
    assert [hits, local, stale, misses] == [
        str(pattern[name]) for name in ("hits", "local_hits", "stale_hits", "misses")
    ]
    assert [waited, superseded, calls, errors] == [
        str(pattern[name]) for name in ("collapsed", "superseded", "providerCalls", "load_errors")
    ]
    assert row(html, thing.name)[14].replace(NBSP, "") == pattern["apiCallReduction"]
    assert row(html, thing.name)[16] == str(pattern["count"]) == "2"
    chart = json.loads(re.findall(r'data-chart="([^"]+)"', html)[0].replace("&quot;", '"'))
    assert sum(chart["misses"]) >= 2
    assert len(chart["starts"]) == len(chart["hits"]) == len(chart["p95"])
    assert html.count('<tr id="at-') == len(chart["starts"])


def test_each_window(browser: Browser, thing: Any) -> None:
    """What is counted now is in all of them; an unknown one is an hour. No window has too many points to draw."""
    client = browser("view_cache")
    for window in (*WINDOWS, "12h", ""):
        answer = client.get(PATH, {"window": window})
        assert answer.status_code == 200
        html = answer.content.decode()
        assert row(html, thing.name)[0] == "3"
        assert html.count('<tr id="at-') <= 170
        chosen = re.findall(r'href="\?window=(\w+)" aria-current="page"', html)
        assert chosen == [window if window in WINDOWS else "1h"]


def test_sorting_by_each_column(browser: Browser, thing: Any) -> None:
    """By links, there and back; what is unknown or strange sorts by reads."""
    client = browser("view_cache")
    counters.add(thing.name, {"hits": 1000})  # more than the session of who looks
    names = [policy.name for policy in registry]
    assert order(client.get(PATH).content.decode())[0] == thing.name
    assert order(client.get(PATH, {"sort": "name"}).content.decode()) == names
    assert order(client.get(PATH, {"sort": "-name"}).content.decode()) == names[::-1]
    assert order(client.get(PATH, {"sort": "reads"}).content.decode())[-1] == thing.name
    counters.add(thing.name, {"load_ms_le_inf": 1000})  # slower than what signing in loads
    assert order(client.get(PATH, {"sort": "-p95"}).content.decode())[0] == thing.name
    assert order(client.get(PATH, {"sort": "p95"}).content.decode())[-1] != thing.name, "unknown ones come last"
    html = client.get(PATH, {"sort": "-entries", "window": "6h"}).content.decode()
    assert 'aria-sort="descending"><a href="?window=6h&amp;sort=entries"' in html
    assert order(client.get(PATH, {"sort": '"><script>'}).content.decode())[0] == thing.name
    links = re.findall(r'<a href="\?window=1h&amp;sort=-?(\w+)"', client.get(PATH).content.decode())
    assert links == ["name", *KEYS]
    for key in KEYS:
        assert len(policy_table(numbers.read("1h"), {}, sort=f"-{key}", window="1h").rows) == len(names)


def test_a_part_is_the_changing_part_alone(browser: Browser, thing: Any) -> None:
    """What htmx swaps has the table, and no frame around it."""
    html = browser("view_cache").get(PATH, headers=PART).content.decode()
    assert row(html, thing.name)[0] == "3"
    assert "<html" not in html
    assert "live-control" not in html


def test_looking_asks_the_store_a_few_times_and_walks_no_keys(browser: Browser, thing: Any) -> None:
    """However many entries there are: a page after the first reads buckets and servers, and what it counted before."""
    client = browser("view_cache")
    client.get(PATH)
    counters.send()
    original = RedisStore.read_buckets
    read = []

    def watched(store: RedisStore, **window: int) -> Any:
        read.append(window)
        return original(store, **window)

    with (
        patch.object(RedisStore, "read_buckets", watched),
        patch.object(RedisStore, "scan", side_effect=AssertionError("walked the keys")),
        patch.object(RedisStore, "describe", autospec=True, return_value={}) as describe,
    ):
        html = client.get(PATH, headers=PART).content.decode()
    assert read in ([{"minutes": 1}], [{"minutes": 2}]), "the others are over, and known"
    assert describe.call_count == 1
    assert row(html, thing.name)[16] == "2"


def test_a_count_that_takes_long_holds_no_page(browser: Browser, thing: Any, monkeypatch: Any) -> None:
    """The page says that it is not counted yet, begins no second count, and a later page has the number."""
    import threading

    go_on, begun = threading.Event(), []
    original = entry_counts.count_entries

    def slow() -> dict[str, int]:
        begun.append(1)
        assert go_on.wait(20)
        return original()

    monkeypatch.setattr(entry_counts, "count_entries", slow)
    monkeypatch.setattr(entry_counts, "PATIENCE", 0.01)
    client = browser("view_cache")
    for _ in range(2):
        html = client.get(PATH).content.decode()
        assert "Entries are not counted yet." in html
        assert row(html, thing.name)[16] == DASH
    counting = entry_counts.entry_counter._running
    go_on.set()
    assert counting is not None
    counting.join(20)
    assert row(client.get(PATH).content.decode(), thing.name)[16] == "2"
    assert begun == [1]


def test_what_the_statistics_suggest_is_there_with_its_reason(browser: Browser, thing: Any) -> None:
    """By the policy's link, and on the policy's own page."""
    counters.add(thing.name, {"misses": 400, "loads": 400, "stored": 400})
    client = browser("view_cache")
    for path in (PATH, f"{PATH}test.thing/"):
        html = client.get(path).content.decode()
        assert ">Suggestions</h2>" in html
        assert "Not worth caching as it is" in html
        assert f"0.2{NBSP}% of 403 reads are hits" in html


def test_one_is_one(browser: Browser, thing: Any) -> None:
    """In words, where a count may be one."""
    html = browser("view_cache").get(f"{PATH}test.thing/").content.decode()
    assert "1 hit, 2 misses" in html
    counters.add(thing.name, {"hits": 1, "misses": -1})
    html = browser("view_cache").get(f"{PATH}test.thing/").content.decode()
    assert "2 hits, 1 miss<" in html


def test_limits_locks_outbox_and_server_are_shown(browser: Browser, settings: Any) -> None:
    """With what they did in the window."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": {"search": "30/60s shadow"}}
    counters.add("limit:search", {"admitted": 12345, "would_refuse": 7})
    counters.add("lock:import", {"held": 4, "lost": 1})
    html = browser("view_cache").get(PATH).content.decode()
    for text in ("30 in 1 min, shadow", "12,345", "import", "Valkey", "answers", "noeviction"):
        assert text in html, text
    assert surroundings.waiting().rows == 0


def test_the_state_server_is_shown_apart(
    browser: Browser, settings: Any, empty_redis: RedisUnderTest, state_redis: RedisUnderTest
) -> None:
    """Where limits and locks have a server of their own."""
    from tests.conftest import use_redis

    client = browser("view_cache")
    use_redis(settings, empty_redis.url, state=state_redis.url)
    assert "Redis for limits and locks" in client.get(PATH).content.decode()


def test_caching_that_is_off_is_said(browser: Browser, settings: Any) -> None:
    """Else one would wonder at the misses."""
    client = browser("view_cache")
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    assert "Caching is turned off" in client.get(PATH).content.decode()


def test_the_memory_of_one_process_does_too(browser: Browser, settings: Any) -> None:
    """As `runserver` alone has it."""
    client = browser("view_cache")
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "STORE": "memory"}
    html = client.get(PATH).content.decode()
    assert "This process" in html
    assert "Breaker" not in html
