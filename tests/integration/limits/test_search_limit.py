"""The limit on searches, on the running site."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until


def search(client: httpx.Client, **headers: str) -> httpx.Response:
    """One search."""
    return client.get("/api/news", params={"q": "bridge"}, headers=headers)


def test_thirty_searches_a_minute_over_two_processes(site: SiteFactory) -> None:
    """Sixty at once: exactly thirty are admitted, hits among them; the others are told when to come again."""
    running = site(workers=2)
    search(running.client)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: search(running.client), range(59)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert (len(answers) - len(refused), len(refused)) == (29, 30)
    assert {answer.status_code for answer in answers} == {200, 429}
    for answer in answers:
        assert answer.headers["RateLimit-Policy"] == '"search";q=30;w=60'
        assert re.fullmatch(r'"search";r=\d+;t=\d+', answer.headers["RateLimit"])
    for answer in refused:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["RateLimit"].startswith('"search";r=0;')


def test_pages_without_a_search_are_not_limited(site: SiteFactory) -> None:
    """They are the same for everybody."""
    client = site(workers=1, RATE_LIMIT_SEARCH="1/60s").client
    answers = [client.get("/api/news") for _ in range(5)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("RateLimit" in answer.headers for answer in answers)
    assert [search(client).status_code for _ in range(2)] == [200, 429]


def test_a_forged_forwarded_for_buys_nothing(site: SiteFactory) -> None:
    """Without a trusted proxy the header is whoever's word."""
    client = site(workers=1, RATE_LIMIT_SEARCH="1/60s").client
    codes = [search(client, **{"X-Forwarded-For": f"203.0.113.{number}"}).status_code for number in range(4)]
    assert codes == [200, 429, 429, 429]


def test_without_redis_each_process_admits_its_share(site: SiteFactory, redis_server: RedisUnderTest) -> None:
    """And no request fails; back with Redis, its log counts again."""
    running = site(workers=1, WORKERS="2", RATE_LIMIT_SEARCH="4/60s")
    assert search(running.client).status_code == 200
    redis_server.kill()
    codes = [search(running.client).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    redis_server.restart_empty()
    wait_until(
        lambda: '"search";q=4;' in search(running.client).headers["RateLimit-Policy"], what="Redis decides again"
    )
