"""Who is calling: an address that a client cannot choose."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import RequestFactory

from cache_platform.rest.callers import caller_of


def caller(remote: str, forwarded: str | None = None) -> str:
    """The caller of a request from `remote`."""
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return caller_of(RequestFactory().get("/", REMOTE_ADDR=remote, **headers))


def trust(settings: Any, proxies: int) -> None:
    """Stand behind that many proxies."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "TRUSTED_PROXIES": proxies}


def test_without_proxies_a_forged_header_buys_nothing() -> None:
    """X-Forwarded-For is whatever the client writes."""
    assert caller("203.0.113.7", "1.2.3.4") == "ip:203.0.113.7"


def test_behind_a_proxy_the_rightmost_hop_counts(settings: Any) -> None:
    """What the proxy itself appended, not what the client put before it."""
    trust(settings, 1)
    assert caller("10.0.0.1", "6.6.6.6, 203.0.113.7") == "ip:203.0.113.7"


def test_behind_two_proxies_the_second_from_the_right_counts(settings: Any) -> None:
    """Each trusted proxy appends one."""
    trust(settings, 2)
    assert caller("10.0.0.1", "6.6.6.6, 203.0.113.7, 10.0.0.2") == "ip:203.0.113.7"


def test_a_request_past_the_proxy_counts_by_its_own_address(settings: Any) -> None:
    """Fewer hops than proxies: somebody reached us directly."""
    trust(settings, 2)
    assert caller("198.51.100.4", "1.1.1.1") == "ip:198.51.100.4"


@pytest.mark.parametrize("address", ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:2::1%eth0"])
def test_ipv6_counts_by_its_network(address: str) -> None:
    """One household has a whole /64 to choose from."""
    assert caller(address) == "ip:2001:db8:1:2::"


def test_an_ipv4_address_in_ipv6_clothes_is_itself() -> None:
    """::ffff:1.2.3.4 is 1.2.3.4, and not in one network with all other such."""
    assert caller("::ffff:203.0.113.7") == "ip:203.0.113.7"


@pytest.mark.parametrize("address", ["", "unix:", "not-an-address", "01.2.3.4", "1.2.3.4:80:90", "[2001:db8::1", "[]"])
def test_what_is_no_address_is_one_caller(settings: Any, address: str) -> None:
    """Nonsense cannot be used to be somebody new each time: behind a proxy that writes it, all are that proxy."""
    assert caller(address) == "ip:unknown"
    trust(settings, 1)
    assert caller("10.0.0.1", address) == "ip:10.0.0.1"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("203.0.113.7:4711", "ip:203.0.113.7"),
        ("[2001:db8:1:2::9]:4711", "ip:2001:db8:1:2::"),
        ("[2001:db8:1:2::9]", "ip:2001:db8:1:2::"),
    ],
)
def test_a_port_that_a_proxy_writes_is_left_out(settings: Any, written: str, meant: str) -> None:
    """Or each connection would be somebody new, or everybody one."""
    trust(settings, 1)
    assert caller("10.0.0.1", f"6.6.6.6, {written}") == meant
