"""A policy's page: what it declares, its newest loads, and a look at one entry."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest

from cache_platform import get_or_load
from cache_platform.exceptions import SourceTimeout
from cache_platform.pages.declaration import facts_of
from cache_platform.policies import registry
from cache_platform.statistics import counters
from tests.integration.staff.conftest import Browser
from tests.services.redis import RedisUnderTest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

PATH = "/admin/cache/test.thing/"


@pytest.fixture
def public(declare: Any) -> Any:
    """A policy for everybody, with an entry for the place 7."""
    policy = declare(
        name="test.public", schema=dict, params={"place": int}, audience="public", consistency="relaxed", stale_for=3600
    )
    get_or_load(policy, {"place": 7}, lambda place: {"the-value": place})
    return policy


def test_every_policy_has_a_page(browser: Browser) -> None:
    """Without an error, whatever it declares; others do not."""
    client = browser("view_cache")
    for policy in registry:
        assert len(facts_of(policy)) > 10, policy.name
    for name in ("weather.current", "auth.jwt", "service.health"):
        answer = client.get(f"/admin/cache/{name}/")
        assert (answer.status_code, name in answer.content.decode()) == (200, True)
    assert client.get("/admin/cache/no.such/").status_code == 404


def test_the_ttl_says_where_it_comes_from(browser: Browser, thing: Any, monkeypatch: Any) -> None:
    """As declared, with the variable that would override it; and then the variable."""
    client = browser("view_cache")
    html = client.get(PATH).content.decode()
    assert "1 min, as declared" in html
    assert "CACHE_TTL_TEST_THING overrides it" in html
    monkeypatch.setenv("CACHE_TTL_TEST_THING", "7200")
    assert "2 h, from CACHE_TTL_TEST_THING (declared: 1 min)" in client.get(PATH).content.decode()


def test_the_newest_loads_and_errors_are_listed(browser: Browser, public: Any) -> None:
    """With the key and the class of what was raised."""

    def fail(place: int) -> dict[str, int]:
        raise SourceTimeout("weather", "no answer in 5 s")

    with pytest.raises(SourceTimeout):
        get_or_load(public, {"place": 8}, fail)
    html = browser("view_cache").get("/admin/cache/test.public/").content.decode()
    assert "test.public:place=7:" in html
    assert "SourceTimeout: weather: no answer in 5 s" in html
    assert "1 failed" in html


def test_loads_that_were_not_made_are_told_apart(browser: Browser, public: Any) -> None:
    """They are no errors of the source, which nobody asked."""
    counters.add("test.public", {"left_alone": 4321, "load_errors": 1234})
    html = browser("view_cache").get("/admin/cache/test.public/").content.decode()
    shown = re.sub(r"<[^>]*>|\s", "", html)
    assert "Leftalone4,321" in shown
    assert "Errors1,234" in shown
    assert "Leftalone" not in re.sub(r"<[^>]*>|\s", "", browser("view_cache").get("/admin/cache/").content.decode())


def test_an_entry_is_found_by_its_parameters(browser: Browser, public: Any) -> None:
    """Its state, key, age and value; one who may flush is led to flushing it."""
    html = browser("view_cache").post("/admin/cache/test.public/", {"p-place": "7"}).content.decode()
    for text in ("Fresh", public.address({"place": 7}).key, "Remaining", "&quot;the-value&quot;: 7"):
        assert text in html, text
    assert "Flush this entry" not in html
    html = browser("view_cache", "flush_cache").post("/admin/cache/test.public/", {"p-place": "7"}).content.decode()
    assert f'name="key" value="{public.address({"place": 7}).key}"' in html
    absent = browser("view_cache").post("/admin/cache/test.public/", {"p-place": "8"}).content.decode()
    assert "Not there" in absent


def test_the_value_of_a_private_policy_is_hidden(browser: Browser, thing: Any) -> None:
    """From those who may flush, too."""
    html = browser("view_cache", "flush_cache").post(PATH, {"p-user_id": "1"}).content.decode()
    assert "Fresh" in html
    assert "The value is hidden" in html
    assert "planted-word" not in html


def test_looking_changes_nothing(browser: Browser, public: Any, empty_redis: RedisUnderTest) -> None:
    """No key is added, and no read counted."""
    from cache_platform.statistics import read_window

    client = browser("view_cache")
    client.post("/admin/cache/test.public/", {"p-place": "7"})
    counted = read_window("5m")["test.public"]
    with empty_redis.client() as server:
        keys = set(server.keys("cp:test.public:*")) | set(server.keys("cp:tag:*")) | set(server.keys("cp:lease*"))
        client.post("/admin/cache/test.public/", {"p-place": "7"})
        client.post("/admin/cache/test.public/", {"p-place": "99"})
        now = set(server.keys("cp:test.public:*")) | set(server.keys("cp:tag:*")) | set(server.keys("cp:lease*"))
        assert keys == now
    assert read_window("5m")["test.public"] == counted


def test_a_parameter_of_the_wrong_type_is_refused_at_its_field(browser: Browser, public: Any) -> None:
    """400, with what was typed still there."""
    client = browser("view_cache")
    for given in ("", "seven", "1e999", "9" * 40):
        answer = client.post("/admin/cache/test.public/", {"p-place": given})
        assert answer.status_code == 400, given
        html = answer.content.decode()
        assert "a whole number, as in 42" in html
        assert 'aria-describedby="p-place-error"' in html
        assert f'value="{given}"' in html


def test_all_wrong_parameters_are_told_at_once(browser: Browser, declare: Any) -> None:
    """Each at its field; those of one type have no example in common."""
    declare(name="test.spot", params={"lat": float, "lon": float, "days": int}, audience="public", schema=dict)
    client = browser("view_cache")
    answer = client.post("/admin/cache/test.spot/", {"p-lat": "north", "p-lon": "13.4"})
    html = answer.content.decode()
    assert answer.status_code == 400
    assert [f'id="p-{name}-error"' in html for name in ("lat", "lon", "days")] == [True, False, True]
    assert "placeholder" not in html


def test_a_secret_parameter_is_not_given_back(browser: Browser, declare: Any) -> None:
    """It is a field of a password, and is in no address and no page."""
    declare(name="test.secret", params={"token": str}, secret_params=frozenset({"token"}), audience="public")
    client = browser("view_cache", "flush_cache")
    assert 'type="password" name="p-token"' in client.get("/admin/cache/test.secret/").content.decode()
    html = client.post("/admin/cache/test.secret/", {"p-token": "planted-secret"}).content.decode()
    assert "Not there" in html
    assert "planted-secret" not in html


def test_by_secrets_only_those_look_who_may_flush(
    browser: Browser, declare: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever guesses right learns something, so it is written down who tried, and not what."""
    caplog.set_level(logging.INFO, logger="cache_platform.audit")
    declare(name="test.secret", params={"token": str}, secret_params=frozenset({"token"}), schema=dict)
    path, guess = "/admin/cache/test.secret/", {"p-token": "planted-guess"}
    viewer = browser("view_cache")
    assert 'name="p-token"' not in viewer.get(path).content.decode()
    assert viewer.post(path, guess).status_code == 403
    lines = [each for each in caplog.records if each.name == "cache_platform.audit"]
    assert lines == []
    assert browser("view_cache", "flush_cache").post(path, guess).status_code == 200
    [line] = [each.getMessage() for each in caplog.records if each.name == "cache_platform.audit"]
    assert line.startswith("looked for an entry of test.secret, by its secret parameters: user ")
    assert "planted" not in line
