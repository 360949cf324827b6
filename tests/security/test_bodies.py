"""Bodies that are too large, of unknown length, or never come."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from config.bodies import BODIES_AT_ONCE, LARGEST_BODY
from tests.integration.http_load import get
from tests.services.fixtures import SiteFactory
from tests.services.site import PASSWORD, SiteUnderTest
from tests.services.waiting import wait_until

GIGABYTE = 2**30


def post(running: SiteUnderTest, **body: Any) -> httpx.Response:
    """A POST on a connection of its own: the server closes one whose body nobody has read."""
    return running.client.post("/admin/login/", headers={"Connection": "close"}, **body)


def test_clients_that_never_send_their_body_do_not_stop_the_site(site: SiteFactory) -> None:
    """More of them than there are threads: reads go on, further bodies are refused, and it ends with them."""
    running = site(workers=1)
    address = urlsplit(running.url)
    # With a CSRF cookie, because without one the view refuses the request before it reads the body.
    cookie = b"Cookie: csrftoken=" + b"a" * 32
    head = b"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n" + cookie + b"\r\nContent-Length: 1000\r\n\r\na="
    form = {"username": "x", "password": "y"}
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=10))
            client.sendall(head)
        wait_until(lambda: post(running, data=form).status_code == 503, what="bodies are refused", timeout=60)
        for _ in range(20):
            assert get(running.client, "/health/live").status == 200
            assert get(running.client, "/api/weather/current", lat="1", lon="1").status == 200
    wait_until(lambda: post(running, data=form).status_code == 403, what="bodies are read again")


def test_a_large_body_is_refused_before_it_is_read(shared_site: SiteFactory) -> None:
    """413 from the length alone: the body need not even come."""
    address = urlsplit(shared_site(workers=1).url)
    head = f"POST /admin/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {LARGEST_BODY + 1}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=10) as client:
        client.sendall(head.encode())
        answer = client.recv(4096)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer


def test_an_upload_of_a_gigabyte_is_refused_and_nothing_is_left(site: SiteFactory, tmp_path: Path) -> None:
    """By somebody who may upload, and who goes on sending: what the server takes are the buffers of a connection."""
    running = site(workers=1, TMPDIR=str(tmp_path))
    signed_in = running.client.post("/api/auth/token", json={"username": "ada", "password": PASSWORD}).json()
    bearer = {"Authorization": f"Bearer {signed_in['access']}"}
    address = urlsplit(running.url)
    lines = [
        "POST /api/documents HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: {bearer['Authorization']}",
        "Content-Type: multipart/form-data; boundary=x",
        f"Content-Length: {GIGABYTE}",
        "",
        '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n',
    ]
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall("\r\n".join(lines).encode())
        answer = client.recv(4096)
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < GIGABYTE:
                sent += client.send(b"a" * 65_536)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent < GIGABYTE / 16
    assert running.client.get("/api/documents", headers=bearer).json()["data"]["total"] == 0
    assert list(tmp_path.iterdir()) == []


def test_a_body_of_unknown_length_is_refused(shared_site: SiteFactory) -> None:
    """411: what cannot be counted beforehand is not begun."""
    running = shared_site(workers=1)
    response = post(running, content=(part for part in [b"a", b"b"]))
    assert response.status_code == 411


def test_more_bodies_than_slots_get_through_one_after_the_other(shared_site: SiteFactory) -> None:
    """Slots are given back, also when the view fails."""
    running = shared_site(workers=1)
    for _ in range(BODIES_AT_ONCE * 3):
        assert post(running, data={"a": "b"}).status_code == 403
