"""The running site with a server for entries and one for state: what is where."""

from __future__ import annotations

import subprocess
import sys

from config.environment import BASE_DIR
from tests.integration.limits.test_search_limit import search
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.waiting import wait_until
from tests.services.worker import WorkerUnderTest

SEND = "import django; django.setup(); from config.tasks import heartbeat; heartbeat.delay()"


def keys(server: RedisUnderTest) -> set[str]:
    """The kinds of keys there: the part behind the prefix, or all of a key that is not the platform's."""
    with server.client() as client:
        names = [name.decode() for name in client.scan_iter(count=1000)]
    return {name.split(":")[1] if name.startswith("cp:") else name for name in names}


def waiting(server: RedisUnderTest) -> int:
    """How many tasks wait in the queue there."""
    with server.client() as client:
        return int(client.llen("celery"))  # type: ignore[arg-type]  # not an awaitable here


def test_limits_on_one_server_and_entries_on_the_other(
    site: SiteFactory, redis_server: RedisUnderTest, state_redis: RedisUnderTest
) -> None:
    """Searches are limited over all processes by logs on the server for state; entries lie on the other one."""
    running = site(workers=2, REDIS_STATE_URL=state_redis.url, RATE_LIMIT_SEARCH="4/60s")
    assert sorted(search(running.client).status_code for _ in range(6)) == [200] * 4 + [429] * 2
    on_entries, on_state = keys(redis_server), keys(state_redis)
    assert {"limit", "budget"} <= on_state <= {"limit", "budget", "epoch", "identity"}
    assert {"news.headlines", "tag"} <= on_entries
    assert not {"limit", "budget"} & on_entries
    redis_server.restart_empty()
    assert search(running.client).status_code == 429, "the server for entries knew nothing of it"
    body = running.client.get("/health").json()
    assert body["state"] == {"status": "healthy", "connected": True}


def test_tasks_go_through_the_server_for_state(
    site: SiteFactory, redis_server: RedisUnderTest, state_redis: RedisUnderTest
) -> None:
    """The site puts them there, and the worker takes them from there; what it puts into the cache is an entry."""
    running = site(workers=1, REDIS_STATE_URL=state_redis.url)
    environment = {**running.environment, "DJANGO_SETTINGS_MODULE": "config.settings"}
    subprocess.run([sys.executable, "-c", SEND], cwd=BASE_DIR, env=environment, check=True, timeout=60)
    assert (waiting(state_redis), waiting(redis_server)) == (1, 0)
    with WorkerUnderTest(running.environment):
        wait_until(lambda: "service.worker" in keys(redis_server), what="the worker has run it")
        assert waiting(state_redis) == 0
    assert not {name for name in keys(redis_server) if name.startswith(("celery", "_kombu", "unacked"))}
    assert "service.worker" not in keys(state_redis)
