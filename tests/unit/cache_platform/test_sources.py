"""JsonSource: every way in which a source can disappoint ends in one of our errors, in time and in bounds."""

from __future__ import annotations

import gzip
import itertools
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec
import pytest

from cache_platform.exceptions import (
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from cache_platform.sources import JsonSource, SourceLimits, parse_retry_after
from tests.unit.provider_double import Clock, Pieces, answering

NOW = 1_757_314_800.0  # Mon, 08 Sep 2025 07:00:00 GMT


class Answer(msgspec.Struct, frozen=True):
    n: int
    text: str = ""


def reason_of(body: bytes) -> str:
    return msgspec.json.decode(body, type=dict[str, str])["reason"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(clock: Clock) -> JsonSource:
    return JsonSource(
        "Test source",
        lambda: "http://source.test/base/",
        explain=reason_of,
        limits=SourceLimits(max_bytes=1000),
        clock=clock,
        now=lambda: NOW,
    )


def ask(source: JsonSource, response: httpx.Response | Exception, **options: object) -> Answer:
    with source.through(answering(response)):
        return source.get("/thing", schema=Answer, **options)


def test_a_good_answer_is_decoded_into_the_schema(source: JsonSource) -> None:
    """The request has the base address, the parameters, our User-Agent, and asks only for gzip."""
    requests: list[httpx.Request] = []
    with source.through(answering(httpx.Response(200, json={"n": 7, "more": []}), requests=requests)):
        assert source.get("/thing", schema=Answer, params={"a": "b c", "x": 1.5}, headers={"X-Key": "k"}) == Answer(7)
    assert str(requests[0].url) == "http://source.test/base/thing?a=b+c&x=1.5"
    assert requests[0].headers["User-Agent"].startswith("cache-platform/")
    assert requests[0].headers["Accept-Encoding"] == "gzip"
    assert requests[0].headers["X-Key"] == "k"


def test_the_address_is_asked_for_with_every_call() -> None:
    """An address that changes between two calls is used by the second."""
    addresses = iter(["http://one.test", "http://two.test"])
    source = JsonSource("Test source", lambda: next(addresses))
    requests: list[httpx.Request] = []
    transport = httpx.MockTransport(lambda request: requests.append(request) or httpx.Response(200, json={"n": 1}))
    with source.through(transport):
        source.get("/", schema=Answer)
        source.get("/", schema=Answer)
    assert [request.url.host for request in requests] == ["one.test", "two.test"]


def all_subclasses(kind: type[Exception]) -> set[type[Exception]]:
    return {kind} | {deeper for direct in kind.__subclasses__() for deeper in all_subclasses(direct)}


EXPECTED = {
    "ConnectTimeout": SourceTimeout,
    "ReadTimeout": SourceTimeout,
    "WriteTimeout": SourceTimeout,
    "PoolTimeout": SourceTimeout,
    "TimeoutException": SourceTimeout,
    "ConnectError": SourceUnavailable,
    "ReadError": SourceUnavailable,
    "WriteError": SourceUnavailable,
    "CloseError": SourceUnavailable,
    "NetworkError": SourceUnavailable,
    "ProxyError": SourceUnavailable,
    "ProtocolError": SourceUnavailable,
    "RemoteProtocolError": SourceUnavailable,
    "TransportError": SourceUnavailable,
    "RequestError": SourceUnavailable,
    "HTTPError": SourceUnavailable,
    "HTTPStatusError": SourceUnavailable,
    "LocalProtocolError": SourceRefused,
    "UnsupportedProtocol": SourceRefused,
    "InvalidURL": SourceRefused,
    "DecodingError": SourceMalformed,
    "TooManyRedirects": SourceMalformed,
}


def test_the_table_of_httpx_errors_is_complete() -> None:
    """A new httpx that brings a new error fails here first."""
    names = {kind.__name__ for kind in all_subclasses(httpx.HTTPError) | {httpx.InvalidURL}}
    assert names == set(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items())
def test_each_httpx_error_becomes_one_of_ours(source: JsonSource, name: str, expected: type[SourceError]) -> None:
    """The foreign error is the cause, and its text, which may carry the address, is not repeated."""
    kind = getattr(httpx, name)
    text = "http://source.test/?key=secret"
    request = httpx.Request("GET", text)
    foreign = kind(text, request=request, response=httpx.Response(500)) if name == "HTTPStatusError" else kind(text)
    with pytest.raises(expected) as caught:
        ask(source, foreign)
    assert type(caught.value) is expected
    assert caught.value.__cause__ is foreign
    assert caught.value.source == "Test source"
    assert name in caught.value.detail
    assert "secret" not in str(caught.value)
    assert caught.value.unreached == ("http://source.test" if name in {"ConnectError", "ConnectTimeout"} else "")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (201, SourceMalformed),
        (204, SourceMalformed),
        (301, SourceMalformed),
        (302, SourceMalformed),
        (304, SourceMalformed),
        (400, SourceRefused),
        (401, SourceRefused),
        (404, SourceRefused),
        (426, SourceRefused),
        (429, SourceRateLimited),
        (500, SourceUnavailable),
        (502, SourceUnavailable),
        (503, SourceUnavailable),
        (599, SourceUnavailable),
    ],
)
def test_each_status_becomes_one_of_ours(source: JsonSource, status: int, expected: type[SourceError]) -> None:
    """Only 200 is an answer."""
    with pytest.raises(expected) as caught:
        ask(source, httpx.Response(status, json={"n": 1}))
    assert type(caught.value) is expected
    assert str(status) in caught.value.detail


def test_a_redirect_is_not_followed(source: JsonSource) -> None:
    """A source cannot send us to an address of its choice."""
    requests: list[httpx.Request] = []
    response = httpx.Response(302, headers={"Location": "http://169.254.169.254/secrets"})
    with source.through(answering(response, requests=requests)), pytest.raises(SourceMalformed):
        source.get("/thing", schema=Answer)
    assert len(requests) == 1


def test_cookies_of_the_source_are_not_kept(source: JsonSource) -> None:
    """One reader's answer must not shape another's request."""
    requests: list[httpx.Request] = []
    response = httpx.Response(200, json={"n": 1}, headers={"Set-Cookie": "session=1; Path=/"})
    with source.through(answering(response, requests=requests)):
        source.get("/thing", schema=Answer)
        source.get("/thing", schema=Answer)
    assert "Cookie" not in requests[1].headers


def test_other_statuses_can_mean_that_the_quota_is_used_up() -> None:
    """GNews says so with 403."""
    source = JsonSource("Test source", lambda: "http://source.test", quota_statuses=frozenset({403, 429}))
    with pytest.raises(SourceRateLimited):
        ask(source, httpx.Response(403))


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_handed_on(source: JsonSource, status: int) -> None:
    """The reader's back-off follows what the source asks for."""
    with pytest.raises(SourceError) as caught:
        ask(source, httpx.Response(status, headers={"Retry-After": "17"}))
    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 120 ", 120.0),
        ("3601", 3600.0),
        ("9" * 5000, 3600.0),
        ("Mon, 08 Sep 2025 07:01:00 GMT", 60.0),
        ("Mon, 08 Sep 2025 07:01:00 -0000", 60.0),
        ("Mon, 08 Sep 2025 06:00:00 GMT", 0.0),
        ("Tue, 08 Sep 2026 07:00:00 GMT", 3600.0),
        (None, None),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("soon", None),
        ("Mon, 99 Sep 2025 07:01:00 GMT", None),
        ("Mon, 08 Sep 99999 07:01:00 GMT", None),
    ],
)
def test_retry_after_is_read_by_number_and_by_date(value: str | None, seconds: float | None) -> None:
    """Bounded to an hour, never negative, None for anything unreadable."""
    assert parse_retry_after(value, now=NOW) == seconds


def test_the_reason_of_a_refusal_is_told_without_the_key(source: JsonSource) -> None:
    """Control characters and every header value that we sent are taken out; the length is bounded."""
    body = {"reason": "bad key s3cret\x00\n" + "x" * 500}
    with pytest.raises(SourceRefused) as caught:
        ask(source, httpx.Response(401, json=body), headers={"X-Api-Key": "s3cret"})
    assert caught.value.detail.startswith("HTTP 401: bad key [removed]xxx")
    assert len(caught.value.detail) < 250
    assert "s3cret" not in repr(caught.value)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Bearer s3cret-key was refused", "[removed] was refused"),
        ("key=s3cret-key", "key=[removed]"),
        ("x" * 195 + "s3cret-key", "x" * 195 + "[remo"),
    ],
)
def test_a_reason_without_the_key_however_it_is_repeated(source: JsonSource, said: str, told: str) -> None:
    """With what stands before it in the header or alone, and where the reason is cut."""
    with pytest.raises(SourceRefused) as caught:
        ask(source, httpx.Response(401, json={"reason": said}), headers={"Authorization": "Bearer s3cret-key"})
    assert caught.value.detail == f"HTTP 401: {told}"


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"reason": 5}', b"[" * 9000, b"x" * 20_000])
def test_a_refusal_without_a_readable_reason_is_still_a_refusal(source: JsonSource, body: bytes) -> None:
    """The status alone decides."""
    with pytest.raises(SourceRefused):
        ask(source, httpx.Response(400, content=body))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sorry</html>",
        b'{"n": ',
        b'{"n": null}',
        b'{"n": "seven"}',
        b'{"n": 7.5}',
        b"{}",
        b"[]",
        b"null",
        b'{"n": 7} trailing',
        b'\xef\xbb\xbf{"n": 7}',
        b'{"n": 7, "text": "\xff"}',
        b'{"n": 7, "text": "\\ud800"}',
        b'{"n": 7, "m": NaN}',
        b'{"m": ' + b"[" * 900 + b"]" * 50,
    ],
)
def test_an_answer_that_is_not_what_was_promised_is_malformed(source: JsonSource, body: bytes) -> None:
    """Whatever a source sends, readers see one error class."""
    with pytest.raises(SourceMalformed):
        ask(source, httpx.Response(200, content=body))


def test_deep_nesting_is_malformed_and_not_a_crash() -> None:
    """The decoder's recursion limit is one of the things that can go wrong."""
    source = JsonSource("Test source", lambda: "http://source.test")
    with pytest.raises(SourceMalformed):
        ask(source, httpx.Response(200, content=b'{"m": ' + b"[" * 200_000))


def test_an_answer_of_the_largest_size_is_accepted_and_one_byte_more_is_not(source: JsonSource) -> None:
    """The cap is exact, and reading stops at it."""
    fits = b'{"n": 7}'.ljust(1000)
    assert ask(source, httpx.Response(200, stream=Pieces([fits]))) == Answer(7)
    endless = Pieces(itertools.repeat(b" " * 100))
    with pytest.raises(SourceMalformed, match="larger than 1000"):
        ask(source, httpx.Response(200, stream=endless))
    assert endless.sent == 11
    assert endless.closed


def test_the_cap_holds_after_decompression(source: JsonSource) -> None:
    """A small body that expands to a hundred megabytes is given up after a thousand bytes."""
    bomb = gzip.compress(b" " * 100_000)
    assert len(bomb) < 1000
    with pytest.raises(SourceMalformed, match="larger than 1000"):
        ask(source, httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces([bomb])))


def test_the_cap_holds_before_decompression(source: JsonSource) -> None:
    """Bytes after the end of the compressed data count too."""
    trailing = itertools.chain([gzip.compress(b'{"n": 7}')], itertools.repeat(b"\0" * 100))
    with pytest.raises(SourceMalformed, match="larger than 1000"):
        ask(source, httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces(trailing)))


def test_gzip_in_pieces_is_decompressed(source: JsonSource) -> None:
    """Each byte may come alone."""
    pieces = [bytes([byte]) for byte in gzip.compress(b'{"n": 7}')]
    assert ask(source, httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces(pieces))) == Answer(7)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", b'{"n": 7}'),
        ("gzip", gzip.compress(b'{"n": 7}', mtime=0)[:-4]),
        ("br", b"anything"),
        ("zstd", b"anything"),
        ("gzip, gzip", b"anything"),
    ],
)
def test_damaged_or_unasked_compression_is_malformed(source: JsonSource, coding: str, body: bytes) -> None:
    """Only gzip is asked for, because only its expansion is bounded here."""
    with pytest.raises(SourceMalformed):
        ask(source, httpx.Response(200, headers={"Content-Encoding": coding}, stream=Pieces([body])))


def test_a_body_that_drips_ends_at_the_deadline(source: JsonSource, clock: Clock) -> None:
    """A byte every second keeps every read timeout happy; the deadline of 2.5 s ends it at the third."""
    drip = Pieces(itertools.repeat(b" "), between=lambda: clock.advance(1.0))
    with pytest.raises(SourceTimeout):
        ask(source, httpx.Response(200, stream=drip))
    assert drip.sent == 3
    assert drip.closed


def test_calls_can_share_a_deadline(source: JsonSource, clock: Clock) -> None:
    """After it has passed nothing is sent any more."""
    requests: list[httpx.Request] = []
    shared = source.deadline()
    with source.through(answering(httpx.Response(200, json={"n": 7}), requests=requests)):
        source.get("/thing", schema=Answer, deadline=shared)
        clock.advance(2.5)
        with pytest.raises(SourceTimeout):
            source.get("/thing", schema=Answer, deadline=shared)
    assert len(requests) == 1


def test_the_timeouts_of_a_request_are_cut_to_the_deadline(source: JsonSource, clock: Clock) -> None:
    """Connecting has a second, everything else what is left."""
    requests: list[httpx.Request] = []
    deadline = source.deadline()
    with source.through(answering(httpx.Response(200, json={"n": 7}), requests=requests)):
        source.get("/thing", schema=Answer, deadline=deadline)
        clock.advance(2.0)
        source.get("/thing", schema=Answer, deadline=deadline)
    assert requests[0].extensions["timeout"] == {"connect": 1.0, "read": 2.5, "write": 2.5, "pool": 2.5}
    assert requests[1].extensions["timeout"] == {"connect": 0.5, "read": 0.5, "write": 0.5, "pool": 0.5}


@contextmanager
def server(serve: object) -> Iterator[str]:
    """A loopback server that hands each connection to `serve`; yields its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=handle, args=(connection,))
            threads.append(thread)
            thread.start()

    def handle(connection: socket.socket) -> None:
        with connection:
            try:
                serve(connection)
            except OSError:
                return

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in [acceptor, *threads]:
            thread.join()


def answer_all(connection: socket.socket) -> None:
    """Answers requests on one connection until it is closed."""
    while connection.recv(65536):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n" + b'{"n": 7}')


@contextmanager
def asking(address: str, **limits: float) -> Iterator[JsonSource]:
    source = JsonSource("Test source", lambda: address, limits=SourceLimits(**limits))
    try:
        yield source
    finally:
        source.close()


def test_headers_that_drip_end_at_the_deadline() -> None:
    """The socket itself obeys the deadline, so headers that never end cannot hold a thread."""
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not stop.wait(0.02):
            connection.sendall(b"X-Drip: 1\r\n")

    with server(drip) as address, asking(address, total_timeout=0.3) as source:
        try:
            with pytest.raises(SourceTimeout):
                source.get("/", schema=Answer)
        finally:
            stop.set()


def test_a_peer_that_says_nothing_ends_at_the_deadline() -> None:
    """Accepting and then silence is a timeout."""

    def listen(connection: socket.socket) -> None:
        while connection.recv(65536):
            pass

    with server(listen) as address, asking(address, total_timeout=0.1) as source, pytest.raises(SourceTimeout):
        source.get("/", schema=Answer)


def test_a_peer_that_hangs_up_is_unavailable() -> None:
    """Closed without a byte."""
    with server(lambda connection: None) as address, asking(address) as source, pytest.raises(SourceUnavailable):
        source.get("/", schema=Answer)


def test_a_refused_connection_is_unavailable() -> None:
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with asking(address) as source, pytest.raises(SourceUnavailable):
        source.get("/", schema=Answer)


def test_connections_are_reused_and_opened_again_after_close() -> None:
    """A pool, not a connection for each call."""
    connections = []

    def serve(connection: socket.socket) -> None:
        connections.append(1)
        answer_all(connection)

    with server(serve) as address, asking(address) as source:
        for _ in range(3):
            assert source.get("/", schema=Answer) == Answer(7)
        assert len(connections) == 1
        source.close()
        assert source.get("/", schema=Answer) == Answer(7)
        assert len(connections) == 2


def test_sixty_four_threads_share_one_source() -> None:
    """All get an answer, from one client."""
    results: list[Answer] = []
    barrier = threading.Barrier(64)

    with server(answer_all) as address, asking(address, total_timeout=20.0, connect_timeout=10.0) as source:

        def load() -> None:
            barrier.wait()
            results.append(source.get("/", schema=Answer))

        threads = [threading.Thread(target=load) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [Answer(7)] * 64


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_process_opens_its_own_connections() -> None:
    """Two processes on one socket would read each other's answers; a lock held while forking must not hang it."""
    connections = []

    def serve(connection: socket.socket) -> None:
        connections.append(1)
        answer_all(connection)

    with server(serve) as address, asking(address) as source:
        source.get("/", schema=Answer)
        with source._lock:
            child = os.fork()
            if child == 0:
                try:
                    os._exit(0 if source.get("/", schema=Answer) == Answer(7) else 1)
                finally:
                    os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(connections) == 2
        assert source.get("/", schema=Answer) == Answer(7)
        assert len(connections) == 2


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """An HTTP_PROXY that is set for something else does not see our keys."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with server(answer_all) as address, asking(address) as source:
        assert source.get("/", schema=Answer) == Answer(7)
