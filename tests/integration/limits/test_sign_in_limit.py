"""The limit on attempts at a password, on the running site."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from tests.integration.limits.sign_ins import PASSWORD, WAYS, Person, start, with_accounts
from tests.services.databases import NewDatabase
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.site import SiteUnderTest
from tests.services.waiting import wait_until

HERE, ELSEWHERE = "198.51.100.1", "198.51.100.2"


def logs(server: RedisUnderTest) -> dict[bytes, int]:
    """The limit's logs that hold attempts, and how many."""
    with server.client() as raw:
        return {key: raw.zcard(key) for key in raw.keys("cp:limit:auth*")}


@pytest.fixture(scope="module")
def behind_a_proxy(shared_site: SiteFactory) -> SiteUnderTest:
    """One site of two processes that trusts one proxy; each test has accounts and addresses of its own."""
    return shared_site(TRUSTED_PROXIES="1")


def test_the_sixth_attempt_is_refused_whichever_ways_the_five_went(behind_a_proxy: SiteUnderTest) -> None:
    """On each way as the sixth, with a right password too; not another account from there, nor that one elsewhere."""
    names = [f"mary-{way}" for way in WAYS]
    running = with_accounts(behind_a_proxy, [*names, "john"])
    for number, name in enumerate(names):
        person = Person(running, name, f"198.51.100.{number}").signed_in()
        for way, (ask, wrong) in WAYS.items():
            assert ask(person, "wrong").status_code == wrong, way
        sixth, _ = list(WAYS.values())[number]
        for password in ("wrong", PASSWORD):
            refused = sixth(person, password)
            assert refused.status_code == 429
            assert 800 < int(refused.headers["Retry-After"]) <= 900
            assert f"Try again in {refused.headers['Retry-After']} s" in refused.text
        assert Person(running, "john", person.address).token("wrong").status_code == 401
        assert Person(running, "john", person.address).signed_in().access
        assert Person(running, name, "198.51.100.99").token("wrong").status_code == 401
        assert Person(running, name, "198.51.100.99").signed_in().access


def test_of_forty_at_once_five_are_checked(behind_a_proxy: SiteUnderTest) -> None:
    """Over two processes, and over form and API: neither four nor six."""
    mary = Person(with_accounts(behind_a_proxy, ["mary-forty"]), "mary-forty", "192.0.2.40")
    with ThreadPoolExecutor(40) as pool:
        codes = Counter(
            pool.map(lambda number: (mary.token if number % 2 else mary.form)("wrong").status_code, range(40))
        )
    assert codes[429] == 35
    assert codes[401] + codes[200] == 5


def test_fields_full_of_an_address_lock_nobody_out(behind_a_proxy: SiteUnderTest) -> None:
    """Neither that address, nor, at another one, an account that is called so."""
    running = with_accounts(behind_a_proxy, ["mary", "203.0.113.7"])
    for number, way in enumerate((Person.form, Person.admin, Person.token)):
        attacker = Person(running, "203.0.113.7", f"192.0.2.{number}")
        assert [way(attacker, "203.0.113.7").status_code for _ in range(6)][5] == 429
    at_the_address = Person(running, "mary", "203.0.113.7")
    assert at_the_address.token(PASSWORD).headers["RateLimit"].startswith('"auth";r=5;')
    assert at_the_address.signed_in().access
    called_so = Person(running, "203.0.113.7", "203.0.113.99")
    assert called_so.token(PASSWORD).headers["RateLimit"].startswith('"auth";r=5;')
    assert called_so.signed_in().access
    assert Person(running, "203.0.113.7", "203.0.113.7").signed_in().access


@pytest.mark.parametrize(
    ("proxies", "forged", "moved"),
    [
        ("0", "203.0.113.{n}", None),
        ("1", "203.0.113.{n}, 198.51.100.1", "203.0.113.1, 198.51.100.2"),
        ("2", "203.0.113.{n}, 198.51.100.1, 192.0.2.{n}", "203.0.113.1, 198.51.100.2, 192.0.2.1"),
    ],
)
def test_a_forged_forwarded_for_buys_nothing(site: SiteFactory, proxies: str, forged: str, moved: str | None) -> None:
    """Only the hop counts that the outermost trusted proxy wrote."""
    running = start(site, ["mary"], workers=1, TRUSTED_PROXIES=proxies)
    people = [Person(running, "mary", forged.format(n=number)) for number in range(8)]
    codes = [(person.token if number % 2 else person.form)("wrong").status_code for number, person in enumerate(people)]
    assert codes == [200, 401, 200, 401, 200, 429, 429, 429]
    if moved is not None:
        assert Person(running, "mary", moved).token("wrong").status_code == 401


def test_an_office_behind_one_address_signs_in(
    site: SiteFactory, redis_server: RedisUnderTest, new_database: NewDatabase
) -> None:
    """A hundred accounts, many at once; then one of them twenty times. Nothing of the limit is used."""
    names = [f"user{number}" for number in range(100)]
    running = start(site, names, workers=2, DATABASE_URL=new_database())
    people = [Person(running, name) for name in names]
    with ThreadPoolExecutor(25) as pool:
        answers = pool.map(lambda person: person.form(PASSWORD).status_code, people)
        assert Counter(answers) == {302: 100}
    one = people[0]
    assert {(one.form if number % 2 else one.token)(PASSWORD).status_code for number in range(20)} == {200, 302}
    assert logs(redis_server) == {}


def test_all_spellings_of_a_name_share_its_attempts(behind_a_proxy: SiteUnderTest) -> None:
    """Forms would take the full-width one for the account's name, the API for another one."""
    running = with_accounts(behind_a_proxy, ["rosa"])
    rosa, wide = Person(running, "rosa", "192.0.2.50"), Person(running, "\uff52\uff4f\uff53\uff41", "192.0.2.50")
    codes = [ask("wrong").status_code for ask in (wide.token, wide.form, rosa.form, wide.token, rosa.token)]
    assert codes == [401, 200, 200, 401, 401]
    assert [ask(PASSWORD).status_code for ask in (wide.form, wide.token, rosa.form, rosa.token)] == [429] * 4


def now(raw: redis.Redis) -> float:
    """Seconds by Redis' clock, on which the windows are."""
    seconds, microseconds = raw.time()
    return float(seconds + microseconds / 1e6)


def test_a_retry_at_retry_after_fits_and_one_a_second_earlier_does_not(
    site: SiteFactory, redis_server: RedisUnderTest
) -> None:
    """Both by the clock that decides: an early retry counts here when its answer came before the window had passed, so
    a machine that stands still for a moment makes this one try longer, and not fail."""
    names = [f"mary{number}" for number in range(5)]
    running = start(site, names, workers=1, RATE_LIMIT_AUTH="1/3s")
    with redis_server.client() as raw:
        for name in names:
            mary = Person(running, name)
            assert mary.token("wrong").status_code == 401
            (log,) = raw.keys("cp:limit:auth:*")
            end = raw.zrange(log, 0, 0, withscores=True)[0][1] / 1000 + 3
            refused = mary.token("wrong")
            came = now(raw)
            wait = int(refused.headers["Retry-After"])
            wait_until(lambda: now(raw) >= came + wait - 1, what="a second before")  # noqa: B023  # ends in this round
            early = mary.token("wrong").status_code
            judged = now(raw) < end
            wait_until(lambda: now(raw) >= came + wait, what="Retry-After is over")  # noqa: B023  # ends in this round
            if judged:
                assert early == refused.status_code == 429
                assert mary.token("wrong").status_code == 401
                return
            wait_until(lambda: not raw.exists(log), what="the log has ended")  # noqa: B023  # ends in this round
    pytest.fail("this machine never answered within a second")


@pytest.mark.parametrize("away", ["kill", pytest.param("pause", marks=pytest.mark.long)])
def test_without_redis_people_sign_in_and_guessing_is_limited(
    site: SiteFactory, redis_server: RedisUnderTest, away: str
) -> None:
    """No request fails; each process has its share of attempts, and with Redis back they are exact again."""
    running = start(site, ["mary", "john", "paul"], workers=1, WORKERS="2", RATE_LIMIT_AUTH="4/900s")
    mary, john, paul = (Person(running, name) for name in ("mary", "john", "paul"))
    assert mary.token("wrong").status_code == 401
    getattr(redis_server, away)()
    assert [ask(PASSWORD).status_code for ask in (mary.form, john.token, mary.admin)] == [302, 200, 302]
    assert [ask("wrong").status_code for ask in (mary.token, mary.form, mary.token, mary.form)] == [401, 200, 429, 429]
    assert [ask(PASSWORD).status_code for ask in (mary.token, mary.form, mary.admin)] == [429, 429, 429]
    assert john.token("wrong").status_code == 401
    redis_server.resume() if away == "pause" else redis_server.restart_empty()
    wait_until(lambda: ";q=4;" in john.token(PASSWORD).headers["RateLimit-Policy"], what="Redis decides again")
    assert [paul.token("wrong").status_code for _ in range(6)] == [401] * 4 + [429] * 2
    assert john.form(PASSWORD).status_code == 302
