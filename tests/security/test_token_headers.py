"""Odd headers on the wire, as the web server hands them on."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

from tests.integration.accounts.credentials import REFUSED
from tests.services.fixtures import SiteFactory
from tests.services.site import PASSWORD, SiteUnderTest

CHALLENGE = b'www-authenticate: bearer realm="api"'


def get(site: SiteUnderTest, *headers: bytes) -> tuple[int, bytes, bytes]:
    """Status, headers in lower case, and body of a GET with these header lines."""
    address = urlsplit(site.url)
    lines = [b"GET /api/auth/api-keys HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close", *headers, b"", b""]
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(b"\r\n".join(lines))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), head.lower(), body


def test_odd_headers_are_refused_alike(site: SiteFactory) -> None:
    """Two of one kind, bytes that are no text, none at all; and the server's own log has no token in it."""
    running = site(workers=1)
    tokens = running.client.post("/api/auth/token", json={"username": "ada", "password": PASSWORD}).json()
    good = f"Authorization: Bearer {tokens['access']}".encode()
    key = running.client.post(
        "/api/auth/api-keys", json={"name": "k"}, headers={"Authorization": good.decode().partition(": ")[2]}
    ).json()["data"]["key"]
    good_key = f"X-API-Key: {key}".encode()
    assert get(running, good)[0] == 200
    assert get(running, good_key)[0] == 403
    for headers in (
        (good, good),
        (b"Authorization: Bearer x", good),
        (good, b"Authorization: Bearer x"),
        (b"Authorization: Bearer \xff\xfe",),
        ("Authorization: Bearer tök.en.é".encode(),),
        (b"Authorization: Bearer " + b"a" * 60_000,),
        (b"Authorization: Bearer",),
        (b"Authorization:",),
        (b"X-API-Key:",),
        (b"X-API-Key: \xff\xfe",),
        (good_key, good_key),
        (good_key, b"X-API-Key: x"),
    ):
        status, head, body = get(running, *headers)
        assert (headers[0][:40], status, body) == (headers[0][:40], 401, REFUSED)
        assert CHALLENGE in head
        assert b"cache-control: no-store" in head
    assert get(running, good, good_key)[0] == 400
    assert get(running, b"Authorization: Bearer " + b"a" * 1_000_000)[0] == 431
    assert get(running, good)[0] == 200
    running.stop()
    written = "\n".join(running.lines)
    for secret in (tokens["access"], tokens["refresh"], key, PASSWORD):
        assert secret not in written
