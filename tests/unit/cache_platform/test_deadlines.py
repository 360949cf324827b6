"""Deadline: one budget of seconds for all the socket operations of an exchange."""

from __future__ import annotations

import socket
import ssl

import httpcore
import pytest

from cache_platform import deadlines
from cache_platform.deadlines import Deadline, DeadlineBackend, DeadlineStream
from tests.unit.provider_double import Clock


class SlowNetwork(httpcore.NetworkBackend, httpcore.NetworkStream):
    """Each operation takes a second; notes the timeouts that it is given."""

    def __init__(self, clock: Clock, *, dead: frozenset[str] = frozenset()) -> None:
        self.clock = clock
        self.dead = dead
        self.timeouts: list[float | None] = []
        self.closed = False

    def _spend(self, timeout: float | None) -> None:
        self.timeouts.append(timeout)
        self.clock.advance(1.0)

    def connect_tcp(self, host, port, timeout=None, local_address=None, socket_options=None):
        self._spend(timeout)
        if host in self.dead:
            raise httpcore.ConnectTimeout("dead")
        return self

    def read(self, max_bytes, timeout=None):
        self._spend(timeout)
        return b"x"

    def write(self, buffer, timeout=None):
        self._spend(timeout)

    def start_tls(self, ssl_context, server_hostname=None, timeout=None):
        self._spend(timeout)
        return self

    def close(self):
        self.closed = True

    def get_extra_info(self, info):
        return info


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What names resolve to."""
    found = ["192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"]
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in found]
    monkeypatch.setattr(deadlines.socket, "getaddrinfo", lambda *args, **kwargs: answers)
    return found


def test_every_operation_gets_what_is_left(clock: Clock, addresses: list[str]) -> None:
    """Connecting, TLS, writing and reading share the seconds; the next one after them fails at once."""
    network = SlowNetwork(clock)
    with Deadline.after(4.0, clock=clock).enforced():
        stream = DeadlineBackend(network).connect_tcp("source.test", 443, timeout=10.0)
        stream = stream.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "source.test", timeout=10.0)
        stream.write(b"hello", timeout=10.0)
        stream.read(10, timeout=None)
        with pytest.raises(httpcore.ReadTimeout):
            stream.read(10, timeout=10.0)
        with pytest.raises(httpcore.WriteTimeout):
            stream.write(b"hello", timeout=10.0)
    assert network.timeouts == [4.0, 3.0, 2.0, 1.0]


def test_shorter_timeouts_stay(clock: Clock) -> None:
    """The deadline only cuts."""
    network = SlowNetwork(clock)
    with Deadline.after(4.0, clock=clock).enforced():
        DeadlineStream(network).read(10, timeout=0.5)
    DeadlineStream(network).read(10, timeout=7.0)
    assert network.timeouts == [0.5, 7.0]


def test_addresses_are_tried_in_turn_until_one_answers(clock: Clock, addresses: list[str]) -> None:
    """Each address once, though the system names one of them twice."""
    network = SlowNetwork(clock, dead=frozenset({"192.0.2.1", "192.0.2.2"}))
    with Deadline.after(10.0, clock=clock).enforced():
        DeadlineBackend(network).connect_tcp("source.test", 80, timeout=1.0)
    assert network.timeouts == [1.0, 1.0, 1.0]


def test_many_dead_addresses_end_at_the_deadline(clock: Clock, addresses: list[str]) -> None:
    """A connect timeout for each address would add up."""
    network = SlowNetwork(clock, dead=frozenset(addresses))
    with Deadline.after(1.5, clock=clock).enforced(), pytest.raises(httpcore.ConnectTimeout):
        DeadlineBackend(network).connect_tcp("source.test", 80, timeout=1.0)
    assert network.timeouts == [1.0, 0.5]


def test_when_all_addresses_are_dead_the_last_failure_is_told(clock: Clock, addresses: list[str]) -> None:
    """Not "no address"."""
    network = SlowNetwork(clock, dead=frozenset(addresses))
    with pytest.raises(httpcore.ConnectTimeout, match="dead"):
        DeadlineBackend(network).connect_tcp("source.test", 80)


def test_a_name_without_address_is_a_failed_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """httpcore's errors are the only ones that httpx translates."""

    def fail(*args: object, **kwargs: object) -> None:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(deadlines.socket, "getaddrinfo", fail)
    with pytest.raises(httpcore.ConnectError):
        DeadlineBackend().connect_tcp("source.test", 80)


def test_the_rest_of_a_stream_is_passed_on(clock: Clock) -> None:
    """Closing, and asking for the socket."""
    network = SlowNetwork(clock)
    stream = DeadlineStream(network)
    assert stream.get_extra_info("socket") == "socket"
    stream.close()
    assert network.closed
