"""Counts are exact over all processes: what clients of known traffic saw, and what /metrics, the statistics, the staff
page and the command say."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from collections import Counter
from typing import Any

import httpx
import pytest

from config.environment import BASE_DIR
from tests.integration.http_load import Answer, at_once, get, steady_load
from tests.integration.test_health_and_stats import pattern, sign_in
from tests.services.exposition import Samples, by_label, sample, samples_of
from tests.services.fixtures import SiteFactory
from tests.services.site import SiteUnderTest
from tests.services.waiting import wait_until

BERLIN = {"lat": "52.52", "lon": "13.41"}
TOKEN = "a-token-for-prometheus-0123"
CURRENT = "weather.current"


def result_of(answer: Any) -> str:
    """What came of a read, as its client was told."""
    if not answer.cached:
        return "miss"
    return "local" if "detail=local" in answer.cache_status else "hit"


def scraped(site: SiteUnderTest) -> Samples:
    """What one of the processes, whichever answers, shows."""
    answer = site.client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return samples_of(answer.text)


def results(site: SiteUnderTest, policy: str) -> dict[str, float]:
    """The reads of a policy by result, without zeros."""
    return {name: n for name, n in by_label(scraped(site), "reads_total", "result", policy=policy).items() if n}


def agree(site: SiteUnderTest, seen: Counter[str], policy: str = CURRENT) -> None:
    """Wait until all processes have added theirs; then nothing is too much, and the statistics say the same."""
    wait_until(lambda: sum(results(site, policy).values()) >= seen.total(), what="all processes have added theirs")
    assert results(site, policy) == dict(seen)
    found = scraped(site)
    row = pattern(site.client.get("/api/cache/stats?window=1h").json(), policy)
    assert row["hits"] == seen["hit"] + seen["local"]
    assert row["local_hits"] == seen["local"]
    assert row["misses"] == seen["miss"]
    assert row["providerCalls"] == row["loads"] == sample(found, "loads_total", policy=policy)
    assert row["collapsed"] == sample(found, "collapsed_total", policy=policy)
    assert row["bytes_stored"] == sample(found, "stored_bytes_total", policy=policy)
    assert sum(row["loadTimes"].values()) == sample(found, "load_seconds_count", policy=policy)


def page_agrees(site: SiteUnderTest, policy: str) -> None:
    """The page shows staff what the statistics say."""
    row = pattern(site.client.get("/api/cache/stats?window=1h").json(), policy)
    html = site.client.get("/admin/cache/?window=1h").text
    [line] = re.findall(rf'<tr id="row-{re.escape(policy)}".*?</tr>', html, re.DOTALL)
    cells = [text.strip() for text in re.findall(r"<td class=\"(?!cp-trend)[^\"]*\">(.*?)</td>", line)]
    reads, _, hits, local, stale, misses, waited, _, calls, errors = cells[:10]
    wanted = [row["hits"] + row["misses"], *(row[name] for name in ("hits", "local_hits", "stale_hits", "misses"))]
    wanted += [row["collapsed"], row["providerCalls"], row["load_errors"]]
    assert [reads, hits, local, stale, misses, waited, calls, errors] == [f"{number:,}" for number in wanted]


def command_agrees(site: SiteUnderTest) -> None:
    """`cache_stats`, a process of its own, says what the endpoint says, of whatever asking does not change."""
    argv = [sys.executable, "manage.py", "cache_stats", "--window", "1h", "--json"]
    said = subprocess.run(argv, cwd=BASE_DIR, env=site.environment, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, said.stderr
    told = site.client.get("/api/cache/stats?window=1h").json()
    for policy in POLICIES.values():
        assert pattern(json.loads(said.stdout), policy) == pattern(told, policy)


@pytest.mark.long
def test_four_processes_count_as_one(site: SiteFactory) -> None:
    """Also after one of them was killed and replaced, and after all of them were stopped and started again."""
    running = site(workers=4, METRICS_TOKEN=TOKEN)
    sign_in(running.client, "admin")
    seen: Counter[str] = Counter()

    def ask(count: int, place: dict[str, str]) -> None:
        seen.update(map(result_of, at_once(running.url, count, "/api/weather/current", **place)))

    for place in (BERLIN, {"lat": "48.86", "lon": "2.35"}, BERLIN):
        ask(100, place)
    agree(running, seen)

    victim = running.worker_pids()[0]
    running.kill_worker(victim)
    wait_until(lambda: len(set(running.worker_pids()) - {victim}) == 4, what="another one is there")
    ask(100, BERLIN)
    agree(running, seen)

    seen.update(result_of(get(running.client, "/api/weather/current", **BERLIN)) for _ in range(20))
    running.stop()
    again = site(workers=4, METRICS_TOKEN=TOKEN)
    sign_in(again.client, "admin")
    agree(again, seen)
    page_agrees(again, CURRENT)
    command_agrees(again)


MIX: dict[str, list[dict[str, str]]] = {
    "/api/weather/current": [BERLIN, {"lat": "48.86", "lon": "2.35"}, {**BERLIN, "units": "imperial"}],
    "/api/weather/forecast": [BERLIN, {"lat": "35.68", "lon": "139.69", "days": "3"}],
    "/api/news": [{}, {"category": "science"}],
}
POLICIES = {
    "/api/weather/current": "weather.current",
    "/api/weather/forecast": "weather.forecast",
    "/api/news": "news.headlines",
}


@pytest.mark.long
@pytest.mark.timeout(400)
def test_ten_thousand_requests_over_four_processes(site: SiteFactory) -> None:
    """A mix of three policies, by eight clients that do not pause; each policy's counts are what its clients saw."""
    running = site(workers=4, METRICS_TOKEN=TOKEN)
    sign_in(running.client, "admin")
    mix = itertools.cycle([(path, params) for path, several in MIX.items() for params in several])
    asked: list[tuple[str, Answer]] = []

    def ask(client: httpx.Client) -> Answer:
        path, params = next(mix)
        answer = get(client, path, **params)
        asked.append((path, answer))
        return answer

    with steady_load(running.url, 8, ask) as answers:
        wait_until(lambda: len(answers) >= 10_000, what="10,000 requests", timeout=300)
    assert {answer.status for answer in answers} == {200}
    for path, policy in POLICIES.items():
        agree(running, Counter(result_of(answer) for where, answer in asked if where == path), policy)
        page_agrees(running, policy)
    command_agrees(running)
