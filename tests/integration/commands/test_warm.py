"""`manage.py cache_warm`: what is loaded, how fast, what is told of each entry, and what it exits with."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any
from unittest import mock

import httpx
import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from cache_platform import Budget, PolicyError, SourceUnavailable, peek, warming
from cache_platform.commands.pace import Pace
from cache_platform.sources import Ask, HttpSource
from cache_platform.testing import failing_store, isolated_cache
from cache_platform.warming import warmer, warmers
from tests.integration.commands.conftest import load
from tests.integration.commands.running import Ran, run
from tests.services.redis import RedisUnderTest

USERS = [{"user_id": 1}, {"user_id": 2}, {"user_id": 3}]


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the site's own apps declare."""
    monkeypatch.setattr(warming, "_warmers", {})


@pytest.fixture
def memory(registered: None) -> Iterator[None]:
    """An empty store."""
    with isolated_cache():
        yield


def warm(*arguments: str, **options: Any) -> Ran:
    """As fast as it goes, unless a rate is given."""
    return run("cache_warm", "--rate=100000", *arguments, **options)


def told(ran: Ran) -> list[tuple[str, str]]:
    """Each item of the JSON: parameters and outcome, by parameters."""
    return sorted((item["params"], item["outcome"]) for item in ran.json["items"])


def all_users() -> Iterable[Mapping[str, Any]]:
    return USERS


def all_are(outcome: str) -> list[tuple[str, str]]:
    return [(f"user_id={number}", outcome) for number in (1, 2, 3)]


@pytest.mark.usefixtures("registered")
def test_what_is_missing_is_stored(thing: Any, redis_cache: RedisUnderTest) -> None:
    """The second time all of it is fresh; a dry run before and after says so and loads nothing."""
    warmer(thing, all_users, load)
    assert told(warm("--dry-run", "--json")) == all_are("missing")
    assert peek(thing, {"user_id": 1}) is None
    done = warm("--json")
    assert (done.code, done.err, done.json["total"]) == (0, "", {"stored": 3})
    assert told(done) == all_are("stored")
    assert peek(thing, {"user_id": 3}) == {"id": 3}
    assert told(warm("--json")) == all_are("fresh")
    assert told(warm("--dry-run", "--json")) == all_are("fresh")


@pytest.mark.usefixtures("memory")
def test_a_line_for_each_entry(thing: Any) -> None:
    """On stdout; the sum is on stderr."""
    warmer(thing, all_users, load)
    done = warm("test.thing")
    assert sorted(row[:3] for row in done.rows) == [["stored", "test.thing", f"user_id={n}"] for n in (1, 2, 3)]
    assert "3 entries in 0 s: 3 stored" in done.err
    assert "\x1b" not in done.out + done.err


@pytest.mark.usefixtures("memory")
def test_a_dry_run_tells_entries_as_they_are_declared(thing: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when the first of them would take longer to look at than the next."""
    warmer(thing, all_users, load)
    passed = threading.Event()

    def slow_at_first(wish: Any) -> bool:
        if wish.params == USERS[0]:
            passed.wait(0.2)
        else:
            passed.set()
        return False

    monkeypatch.setattr("cache_platform.commands.warm_run.is_fresh", slow_at_first)
    for _ in range(2):
        done = warm("test.thing", "--dry-run", "--concurrency=3")
        passed.clear()
        assert [row[-1] for row in done.rows] == [f"user_id={number}" for number in (1, 2, 3)]


@pytest.mark.usefixtures("memory")
def test_a_source_that_cannot_be_reached_is_told_with_its_address(thing: Any, settings: Any) -> None:
    """Of each entry; at the end once, with the setting that has it. No user or password, which it may hold."""

    def refused(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    settings.SANDBOX_URL = "http://ada:hunter2@sandbox.test:8001/"
    source = HttpSource("the source", lambda: str(settings.SANDBOX_URL))
    warmer(thing, all_users, lambda user_id: source.exchange(Ask(f"/users/{user_id}")))
    with source.through(httpx.MockTransport(refused)):
        done = warm("test.thing")
    at = "http://sandbox.test:8001"
    assert done.code == 2
    assert f"SourceUnavailable: the source: the connection failed (ConnectError); nothing answers at {at}\n" in done.out
    assert done.err.count(f"nothing answers at {at}: look at SANDBOX_URL\n") == 1
    assert "hunter2" not in done.out + done.err


@pytest.mark.usefixtures("memory")
def test_on_a_terminal_there_is_a_bar(thing: Any, other: Any) -> None:
    """It ends at the whole, the lines stand above it, and a table sums up what each policy got."""
    warmer(thing, all_users, load)
    warmer(other, lambda: USERS[:1], load)
    done = warm(terminal=True)
    assert "4/4" in done.out
    assert done.out.count("user_id=") == 4
    assert "test.other" in done.out.rpartition("stored")[2]


@pytest.mark.usefixtures("memory")
def test_only_the_named_policies(thing: Any, other: Any) -> None:
    """Each once."""
    warmer(thing, all_users, load)
    warmer(other, all_users, load)
    done = warm("test.other", "test.other", "--json")
    assert list(done.json["policies"]) == ["test.other"]
    assert len(done.json["items"]) == 3


@pytest.mark.usefixtures("memory")
def test_a_policy_without_a_warmer_is_named_with_those_that_have_one(thing: Any, other: Any) -> None:
    """And one that is not there with those that are near."""
    warmer(thing, all_users, load)
    done = warm("test.other")
    assert (done.code, done.out) == (2, "")
    assert "test.other declares no warmer; those with one are test.thing" in done.err
    done = warm("test.thin")
    assert (done.code, "did you mean test.thing" in done.err) == (2, True)


@pytest.mark.usefixtures("memory")
def test_nothing_declared_is_an_error() -> None:
    """Rather than a success with nothing done."""
    done = warm()
    assert (done.code, "no policy declares a warmer" in done.err) == (2, True)


@pytest.mark.usefixtures("memory")
def test_one_that_fails_keeps_no_other(thing: Any) -> None:
    """Exit code 1; its line says why. When all fail it is 2."""

    def picky(user_id: int) -> dict[str, int]:
        if user_id == 2:
            raise SourceUnavailable("the source", "refused the connection")
        return load(user_id)

    warmer(thing, all_users, picky)
    done = warm("--json", "--concurrency=1")
    assert done.code == 1
    assert done.json["total"] == {"stored": 2, "failed": 1}
    [item] = [item for item in done.json["items"] if item["outcome"] == "failed"]
    assert item["why"] == "SourceUnavailable: the source: refused the connection"


@pytest.mark.usefixtures("memory")
def test_an_error_of_others_is_told_by_its_kind_alone(thing: Any) -> None:
    """Its text may hold a secret. All failed: exit code 2."""

    def careless(user_id: int) -> Any:
        raise RuntimeError("the password is hunter2")

    warmer(thing, lambda: USERS[:1], careless)
    with mock.patch("cache_platform.loading.logger"):
        done = warm()
    assert (done.code, "RuntimeError" in done.out) == (2, True)
    assert "hunter2" not in done.out + done.err


@pytest.mark.usefixtures("memory")
def test_wrong_parameters_are_a_failure_of_their_own(thing: Any) -> None:
    """Of one entry."""
    warmer(thing, lambda: [{"user_id": "1"}, {}, {"user_id": 1}], load)
    done = warm("--json")
    assert (done.code, done.json["total"]) == (1, {"stored": 1, "failed": 2})


@pytest.mark.usefixtures("memory")
def test_a_warmer_that_cannot_say_what_to_load_keeps_no_other(thing: Any, other: Any) -> None:
    """As when it asks a database that is away."""

    def broken() -> Any:
        raise RuntimeError

    warmer(thing, broken, load)
    warmer(other, all_users, load)
    done = warm("--json")
    assert (done.code, done.json["policies"]) == (1, {"test.other": {"stored": 3}, "test.thing": {"failed": 1}})


@pytest.mark.usefixtures("memory")
def test_secret_parameters_are_not_told(declare: Any) -> None:
    """They stand as in the key."""
    secret = declare(name="test.secret", params={"token": str}, secret_params=frozenset({"token"}))
    warmer(secret, lambda: [{"token": "hunter2"}], lambda token: {})
    done = warm()
    assert (done.code, "token=!" in done.out) == (0, True)
    assert "hunter2" not in done.out + done.err


@pytest.mark.usefixtures("memory")
def test_a_policy_that_is_off_is_left_out(thing: Any, other: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so. With caching turned off as a whole nothing would be stored, which is an error."""
    monkeypatch.setenv("CACHE_TTL_TEST_THING", "0")
    warmer(thing, all_users, load)
    warmer(other, all_users, load)
    done = warm("--json")
    assert (done.code, list(done.json["policies"])) == (0, ["test.other"])
    assert "test.thing is switched off (CACHE_TTL_TEST_THING=0)" in done.err
    with mock.patch("cache_platform.conf.Settings.enabled", new=False):
        assert warm().code == 2


@pytest.mark.usefixtures("memory")
def test_a_used_up_budget_is_told(declare: Any) -> None:
    """The rest is left as it is: exit code 0 where something was stored, 1 where nothing was."""
    budget = Budget(limit=1, window=60, per="policy")
    scarce = declare(name="test.scarce", params={"user_id": int}, budgets=(budget,))
    warmer(scarce, all_users, load)
    done = warm("--json", "--concurrency=1")
    assert (done.code, done.json["total"]) == (0, {"stored": 1, "left": 2})
    assert all("budget is used up for" in item["why"] for item in done.json["items"][1:])
    warming._warmers.clear()
    warmer(scarce, lambda: USERS[1:], never)
    done = warm("--json")
    assert (done.code, done.json["total"]) == (1, {"left": 2})


@pytest.mark.usefixtures("registered")
def test_without_redis_nothing_is_loaded(thing: Any, redis_cache: RedisUnderTest) -> None:
    """Exit code 2, at once."""
    warmer(thing, all_users, never)
    redis_cache.pause()
    done = warm()
    redis_cache.resume()
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: the store is away")


def never(**_params: Any) -> Any:
    """A loader that must not be called."""
    raise AssertionError("loaded")


@pytest.mark.usefixtures("memory")
def test_a_store_that_goes_away_ends_the_run(thing: Any) -> None:
    """What is left would be loaded in vain."""
    warmer(thing, all_users, never)
    with failing_store("lookup"):
        done = warm("--json")
    assert (done.code, done.json["items"]) == (2, [])
    assert done.json["error"]
    assert "went away after 0 of 3" in done.err


@pytest.mark.usefixtures("registered")
def test_a_redis_that_goes_away_during_a_load_ends_the_run(thing: Any, redis_cache: RedisUnderTest) -> None:
    """The value is lost, and nobody loads the next ones."""
    loaded = []

    def last(user_id: int) -> dict[str, int]:
        loaded.append(user_id)
        redis_cache.pause()
        return load(user_id)

    warmer(thing, all_users, last)
    done = warm("--concurrency=1")
    redis_cache.resume()
    assert (done.code, loaded) == (2, [1])
    assert "went away" in done.err


@pytest.mark.usefixtures("memory")
def test_so_many_load_at_once_and_no_more(thing: Any) -> None:
    """With --concurrency 3 three meet in their loaders, and no fourth."""
    meeting = threading.Barrier(3, timeout=20)
    inside, most, lock = [0], [0], threading.Lock()

    def meet(user_id: int) -> dict[str, int]:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        meeting.wait()
        with lock:
            inside[0] -= 1
        return load(user_id)

    warmer(thing, lambda: [{"user_id": number} for number in range(9)], meet)
    assert warm("--concurrency=3").code == 0
    assert most == [3]


@pytest.mark.usefixtures("memory")
def test_ctrl_c_ends_it_with_what_was_done(thing: Any) -> None:
    """What was stored is told; exit code 1."""

    def stopped(user_id: int) -> dict[str, int]:
        if user_id == 2:
            raise KeyboardInterrupt
        return load(user_id)

    warmer(thing, all_users, stopped)
    done = warm("--concurrency=1", "--json")
    assert (done.code, done.json["total"]) == (1, {"stored": 1})
    assert "stopped after 1 of 3" in done.err


def test_a_warmer_is_declared_once(thing: Any, registered: None) -> None:
    """Two would not know of each other."""
    warmer(thing, all_users, load)
    with pytest.raises(PolicyError, match=r"test\.thing"):
        warmer(thing, all_users, never)


def test_turns_come_evenly_whoever_asks() -> None:
    """Four a second: no burst, and nothing is saved up while nobody asks."""
    now, waited = [100.0], []
    stop = mock.Mock(spec=threading.Event)
    stop.wait.side_effect = lambda seconds: waited.append(round(seconds, 3))
    pace = Pace(4, stop, clock=lambda: now[0])
    assert all(pace.wait() for _ in range(3))
    now[0] += 10
    assert pace.wait()
    now[0] += 0.1
    assert pace.wait()
    assert waited == [0, 0.25, 0.5, 0, 0.15]


def test_nobody_waits_for_a_turn_that_will_not_come() -> None:
    """Once it is told to stop."""
    stop = threading.Event()
    pace = Pace(0.001, stop)
    assert pace.wait()
    stop.set()
    assert pace.wait() is False


@pytest.mark.parametrize("argument", ["--concurrency=0", "--concurrency=65", "--rate=0", "--rate=x", "--rate=nan"])
def test_bounds_are_told(argument: str) -> None:
    """By the parser."""
    with pytest.raises(Exception, match="must be a"):
        warm(argument)


@pytest.mark.django_db
def test_the_sites_own_warmers_say_what_their_policies_take() -> None:
    """Each gives parameters that make a key, and those of visitors: of the dashboard's first place and category, and
    of who was here lately."""
    from dashboard.choices import DEFAULT_PLACE
    from news.queries import DEFAULT_CATEGORY, DEFAULT_COUNTRY
    from news.reads import headlines_params
    from weather.coordinates import parse_latitude, parse_longitude

    model = get_user_model()
    old, recent = (model.objects.create_user(name) for name in ("old", "recent"))
    model.objects.filter(pk=recent.pk).update(last_login=timezone.now() - timedelta(hours=1))
    model.objects.filter(pk=old.pk).update(last_login=timezone.now() - timedelta(days=3))
    with mock.patch("weather.places.largest", return_value=[DEFAULT_PLACE]):  # the table of places takes a second
        found = {
            each.policy.name: {wish.policy.address(wish.params).key for wish in each.wishes()} for each in warmers()
        }
    by_name = {each.policy.name: each.policy for each in warmers()}
    place = {
        "lat": parse_latitude(f"{DEFAULT_PLACE.latitude:.5f}"),
        "lon": parse_longitude(f"{DEFAULT_PLACE.longitude:.5f}"),
    }
    for name in ("weather.current", "weather.forecast"):
        assert found[name] == {by_name[name].address(place).key}
    assert (
        by_name["news.headlines"].address(headlines_params(DEFAULT_CATEGORY, DEFAULT_COUNTRY)).key
        in found["news.headlines"]
    )
    for name in ("accounts.user", "accounts.profile", "accounts.subscription", "connectors.platform_status"):
        assert found[name] == {by_name[name].address({"user_id": recent.pk}).key}
