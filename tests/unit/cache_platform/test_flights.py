"""What threads share: results, errors, and the load that begins next."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from cache_platform.exceptions import BudgetExceeded, SourceBackoff, SourceTimeout
from cache_platform.flights import Flight, Flights, NextLoads
from cache_platform.testing import PausedLoader
from tests.integration.cache_platform.threads import in_thread, result
from tests.services.waiting import wait_until


def test_a_flight_brings_its_result_to_all() -> None:
    """Those who came before it landed and those who come after."""
    flight: Flight[int] = Flight()
    waiting = [in_thread(lambda: flight.wait(10)) for _ in range(3)]
    flight.land(7)
    assert [result(each) for each in waiting] == [7, 7, 7]
    assert flight.wait(0) == 7


def test_a_flight_that_does_not_land_in_time_brings_nothing() -> None:
    """The caller goes on by itself."""
    assert Flight[int]().wait(0) is None


def test_each_waiter_gets_an_error_of_its_own() -> None:
    """A traceback belongs to one thread; the cause is kept, and when to ask again."""
    flight: Flight[int] = Flight()
    flight.fail(SourceTimeout("test", "no answer", retry_after=3))
    caught = []
    for _ in range(2):
        with pytest.raises(SourceBackoff) as error:
            flight.wait(0)
        caught.append(error.value)
    assert caught[0] is not caught[1]
    assert caught[0].retry_after == 3
    assert isinstance(caught[0].__cause__, SourceTimeout)


def test_a_bug_in_the_shared_load_is_a_source_error_for_those_who_waited() -> None:
    """They did not make it; they are told that there is no value now."""
    flight: Flight[int] = Flight()
    flight.fail(ZeroDivisionError())
    with pytest.raises(SourceBackoff, match="ZeroDivisionError"):
        flight.wait(0)


def test_a_refusal_stays_a_refusal() -> None:
    """A budget that is used up is not a source that failed."""
    flight: Flight[int] = Flight()
    flight.fail(BudgetExceeded("no", retry_after=2))
    with pytest.raises(BudgetExceeded):
        flight.wait(0)


def test_the_first_to_join_has_to_land() -> None:
    """And once it has ended, the next one is the first again."""
    flights: Flights[int] = Flights()
    flight, mine = flights.join("k")
    assert mine
    assert flights.join("k") == (flight, False)
    flights.end("k", flight)
    assert flights.join("k")[1]


def test_ending_an_old_flight_leaves_the_new_one() -> None:
    """A winner that took over is not removed by the one it took over from."""
    flights: Flights[int] = Flights()
    old, _ = flights.join("k")
    new = flights.begin("k")
    flights.end("k", old)
    assert flights.join("k") == (new, False)


def test_nobody_shares_a_load_that_began_before_it_came() -> None:
    """One runs, all others share the next: two loads for any number of readers."""
    loads: NextLoads[str] = NextLoads()
    running, following = PausedLoader("first"), PausedLoader("second")
    first = in_thread(lambda: loads.run("k", running, patience=10))
    running.wait_until_entered()
    others = [in_thread(lambda: loads.run("k", following, patience=10)) for _ in range(5)]
    wait_until(lambda: loads._lanes["k"].waiting is not None, what="the others wait")
    running.resume()
    following.resume()
    assert result(first) == ("first", False)
    assert {value for value, _ in map(result, others)} == {"second"}
    assert loads._lanes == {}


def test_a_load_that_fails_lets_the_next_one_begin() -> None:
    """Its error is its own callers'; the lane is free afterwards."""
    loads: NextLoads[str] = NextLoads()
    go = threading.Event()

    def fail() -> str:
        go.wait(10)
        raise SourceTimeout("test", "no answer")

    first = in_thread(lambda: loads.run("k", fail, patience=10))
    wait_until(lambda: "k" in loads._lanes, what="it runs")
    second = in_thread(lambda: loads.run("k", lambda: "well", patience=10))
    wait_until(lambda: loads._lanes["k"].waiting is not None, what="the second waits")
    go.set()
    with pytest.raises(SourceTimeout):
        result(first)
    assert result(second) == ("well", False)
    assert loads._lanes == {}


def test_patience_ends() -> None:
    """Who waits too long loads by itself, rather than with everybody."""
    loads: NextLoads[str] = NextLoads()
    running = PausedLoader("first")
    first = in_thread(lambda: loads.run("k", running, patience=10))
    running.wait_until_entered()
    assert loads.run("k", lambda: "mine", patience=0.01) == ("mine", False)
    running.resume()
    assert result(first) == ("first", False)


def test_many_readers_never_hang_and_never_share_the_past() -> None:
    """Each value was begun after its reader came, whatever the interleaving."""
    loads: NextLoads[int] = NextLoads()
    clock_lock, clock = threading.Lock(), [0]

    def tick() -> int:
        with clock_lock:
            clock[0] += 1
            return clock[0]

    def read(_number: int) -> bool:
        came = tick()
        value, _ = loads.run("k", tick, patience=10)
        return value > came

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(read, range(2000)))
    assert loads._lanes == {}
