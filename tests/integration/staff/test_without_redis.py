"""The pages while Redis is away: quick, and true about what they cannot know."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cache_platform.models import OutboxRow
from cache_platform.pages.wording import DASH
from cache_platform.statistics import counters
from tests.integration.staff.conftest import Browser
from tests.integration.staff.test_overview import row
from tests.services.redis import RedisUnderTest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]


def test_the_overview_shows_what_this_process_knows(
    browser: Browser, thing: Any, empty_redis: RedisUnderTest, settings: Any
) -> None:
    """Its own counts, the breaker, the outbox and why; no number that would be wrong. It is back when Redis is."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    client = browser("view_cache")
    counters.send()
    empty_redis.pause()
    OutboxRow.objects.create(tags="user:1", token="")
    counters.add(thing.name, {"misses": 3, "loads": 3})
    answer = client.get("/admin/cache/")
    assert answer.status_code == 200
    html = answer.content.decode()
    for text in ("The store does not answer.", "does not answer", "Of this process alone", "waiting"):
        assert text in html, text
    assert row(html, thing.name)[0] == "3"
    assert row(html, thing.name)[16] == DASH
    assert 'class="cp-tiles"' not in html
    assert "data-chart" not in html
    assert 'class="cp-loud">open' in html
    html = client.get("/admin/cache/", headers={"HX-Request": "true"}).content.decode()
    assert "The store does not answer." in html


def test_a_policys_page_keeps_its_declaration(browser: Browser, thing: Any, empty_redis: RedisUnderTest) -> None:
    """Loads and entries are not known; a look-up says so."""
    client = browser("view_cache")
    empty_redis.pause()
    html = client.get("/admin/cache/test.thing/").content.decode()
    assert "1 min, as declared" in html
    assert "Not known: the store does not answer." in html
    answer = client.post("/admin/cache/test.thing/", {"p-user_id": "1"})
    assert answer.status_code == 503
    assert "nobody can tell what is in it" in answer.content.decode()


def test_no_page_waits_for_redis_again_and_again(browser: Browser, thing: Any, empty_redis: RedisUnderTest) -> None:
    """The first one costs its timeout, and the breaker spares the others that."""
    client = browser("view_cache", "flush_cache")
    client.get("/admin/cache/")
    empty_redis.pause()
    began = time.monotonic()
    for path in ("", "test.thing/", "flush/"):
        assert client.get(f"/admin/cache/{path}").status_code == 200
    assert client.post("/admin/cache/flush/confirm/", {"all": "1"}).status_code == 200
    assert time.monotonic() - began < 5, "a page waited for the server, step by step"
