"""HTTP to outside sources, bounded in time and size: the one place where httpx and its errors are known.

A source that is slow, drips, redirects, sends too much or something else than promised ends in one of the
SourceError classes, within the deadline. Their texts never carry addresses, header values or what was sent.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from threading import Lock
from typing import Any, TypeVar
from weakref import WeakSet

import httpcore
import httpx

from cache_platform.bodies import pieces_of
from cache_platform.deadlines import Deadline, DeadlineBackend
from cache_platform.exceptions import (
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from cache_platform.outages import Outage

T = TypeVar("T")

USER_AGENT = "cache-platform/0.1"
MAX_RETRY_AFTER = 3600.0
MAX_REASON = 200
MAX_REFUSAL_BYTES = 10_000
MAX_ERROR_BYTES = 100_000
"""Of an answer that the caller expects although its status is no success."""

# From the particular to the general: the first class that fits decides.
TRANSLATIONS: tuple[tuple[type[Exception], type[SourceError], str], ...] = (
    (httpx.TimeoutException, SourceTimeout, "no answer in time"),
    (httpx.DecodingError, SourceMalformed, "the answer cannot be decompressed"),
    (httpx.TooManyRedirects, SourceMalformed, "the answer is a redirect"),
    (httpx.LocalProtocolError, SourceRefused, "the request is not valid HTTP"),
    (httpx.UnsupportedProtocol, SourceRefused, "the address is not http or https"),
    (httpx.InvalidURL, SourceRefused, "the address is not valid"),
    (httpx.HTTPError, SourceUnavailable, "the connection failed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLimits:
    """How long and how much: seconds, bytes (before and after decompression), connections per process. `longest_pause`
    is how long the whole source is left alone at most because it said so, with Retry-After, to one call."""

    connect_timeout: float = 1.0
    total_timeout: float = 2.5
    max_bytes: int = 2_000_000
    max_connections: int = 100
    idle_connections: int = 20
    longest_pause: float = MAX_RETRY_AFTER


@cache
def _tls() -> ssl.SSLContext:
    # One for all sources: reading the certificates takes a tenth of a second.
    return httpx.create_ssl_context(trust_env=False)


class _Transport(httpx.HTTPTransport):
    """httpx's transport on a pool whose sockets obey the deadline, which httpx has no argument for."""

    def __init__(self, limits: SourceLimits) -> None:
        tls = _tls()
        super().__init__(verify=tls, trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.idle_connections,
            keepalive_expiry=15.0,
            network_backend=DeadlineBackend(),
        )


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: GET `path` unless it says otherwise. `form` is sent URL-encoded, `json` as JSON; one of them at
    most. Secrets belong into `headers` or a body, never into `path` or `params`."""

    path: str
    method: str = "GET"
    params: Mapping[str, str | int | float] | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    json: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whole. The names in `headers` are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class HttpSource:
    """A source, with one pool of connections per process, opened when it is first asked. After a run of failures it is
    asked by one probe at a time (`outage`).

    `base_url` is asked for the address with every call, so settings may change. `explain` finds the reason in the
    body of a refusal. `quota_statuses` are the statuses by which this source says that its quota is used up.
    """

    def __init__(
        self,
        name: str,
        base_url: Callable[[], str],
        *,
        explain: Callable[[bytes], str] | None = None,
        quota_statuses: frozenset[int] = frozenset({429}),
        limits: SourceLimits = SourceLimits(),
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.name = name
        self.limits = limits
        self._base_url = base_url
        self._explain = explain
        self._quota_statuses = quota_statuses
        self._clock = clock
        self._now = now
        self._lock = Lock()
        self._client: httpx.Client | None = None
        self._inherited: httpx.Client | None = None
        self.outage = Outage(name, longest_asked=limits.longest_pause, clock=clock)
        _sources.add(self)

    def exchange(
        self,
        ask: Ask,
        *,
        expected: frozenset[int] = frozenset({200}),
        deadline: Deadline | None = None,
        part: bool = False,
    ) -> Answer:
        """The answer to `ask`, when its status is `expected`. Raises SourceError and nothing else.

        `deadline` lets several calls share one; without it each call has `limits.total_timeout`. A `part` is one of
        many calls for one answer: its failure says nothing of the source as a whole. The values of headers, and
        the last word of each, are removed from the reasons that the source gives.
        """
        deadline = deadline or self.deadline()
        with self.judged(part=part):
            return self._answer(ask, expected, deadline)

    def judged(self, *, part: bool = False) -> AbstractContextManager[None]:
        """Around a call and the reading of its answer: their failure counts against the source unless it is a `part`.
        Raises SourceBackoff when the source is to be left alone."""
        return nullcontext() if part else self.outage.watched()

    def receive(
        self,
        ask: Ask,
        take: Callable[[Iterator[bytes]], T],
        *,
        deadline: Deadline | None = None,
    ) -> T:
        """What `take` makes of the body of the answer to `ask`, which it is given in pieces as they arrive; the status
        has to be 200. Raises SourceError, and what `take` raises: a SourceError of it counts against the source.
        """
        deadline = deadline or self.deadline()

        def taken(response: httpx.Response) -> T:
            return take(self._pieces(response, deadline, self.limits.max_bytes))

        with self.judged():
            return self._asked(ask, frozenset({200}), deadline, taken)

    def _answer(self, ask: Ask, expected: frozenset[int], deadline: Deadline) -> Answer:
        def whole(response: httpx.Response) -> Answer:
            status = response.status_code
            most = self.limits.max_bytes if status < 300 else min(self.limits.max_bytes, MAX_ERROR_BYTES)
            body = self._read(response, deadline, most)
            return Answer(status, {name.lower(): value for name, value in response.headers.items()}, body)

        return self._asked(ask, expected, deadline, whole)

    def _asked(self, ask: Ask, expected: frozenset[int], deadline: Deadline, use: Callable[[httpx.Response], T]) -> T:
        try:
            with deadline.enforced(), self._exchange(ask, deadline) as response:
                if response.status_code not in expected:
                    raise self._refusal(response, deadline, secrets=tuple(ask.headers.values()))
                return use(response)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._translated(error) from error
        except UnicodeEncodeError:  # its text would carry the header
            raise SourceRefused(self.name, "the request cannot be encoded") from None

    def deadline(self) -> Deadline:
        """A new deadline, `limits.total_timeout` from now."""
        return Deadline.after(self.limits.total_timeout, clock=self._clock)

    def close(self) -> None:
        """Closes this process's connections; the next call opens new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def through(self, transport: httpx.BaseTransport) -> Iterator[None]:
        """For tests: within this block all calls go through `transport`, as httpx.MockTransport."""
        with self._lock:
            before, self._client = self._client, _new_client(transport)
        self.outage.reset()
        try:
            yield
        finally:
            self.outage.reset()
            self.close()
            self._client = before

    @contextmanager
    def _exchange(self, ask: Ask, deadline: Deadline) -> Iterator[httpx.Response]:
        left = deadline.remaining()
        if left <= 0:
            raise SourceTimeout(self.name, "no time left to ask")
        with self._open().stream(
            ask.method,
            self._base_url().rstrip("/") + ask.path,
            params=ask.params,
            headers=ask.headers,
            data=ask.form,
            json=ask.json,
            timeout=httpx.Timeout(left, connect=min(self.limits.connect_timeout, left)),
        ) as response:
            yield response

    def _open(self) -> httpx.Client:
        client = self._client
        if client is None:
            with self._lock:
                client = self._client = self._client or _new_client(_Transport(self.limits))
        return client

    def _pieces(self, response: httpx.Response, deadline: Deadline, max_bytes: int) -> Iterator[bytes]:
        assert isinstance(response.stream, httpx.SyncByteStream)
        coding = response.headers.get("Content-Encoding", "")
        return pieces_of(response.stream, coding=coding, source=self.name, deadline=deadline, max_bytes=max_bytes)

    def _read(self, response: httpx.Response, deadline: Deadline, max_bytes: int) -> bytes:
        return b"".join(self._pieces(response, deadline, max_bytes))

    def _refusal(self, response: httpx.Response, deadline: Deadline, *, secrets: tuple[str, ...]) -> SourceError:
        status = response.status_code
        retry_after = parse_retry_after(response.headers.get("Retry-After"), now=self._now())
        if status in self._quota_statuses:
            return SourceRateLimited(self.name, f"the quota is used up (HTTP {status})", retry_after=retry_after)
        if status >= 500:
            return SourceUnavailable(self.name, f"HTTP {status}", retry_after=retry_after)
        if status >= 400:
            reason = self._reason(response, deadline, secrets)
            return SourceRefused(self.name, f"HTTP {status}: {reason}" if reason else f"HTTP {status}")
        return SourceMalformed(self.name, f"HTTP {status} is no answer to this")

    def _reason(self, response: httpx.Response, deadline: Deadline, secrets: tuple[str, ...]) -> str:
        """What the source says about its refusal: printable, bounded, without the secrets and the last word of each,
        as the key behind `Bearer`; empty when it says nothing readable."""
        if self._explain is None:
            return ""
        try:
            reason = self._explain(self._read(response, deadline, MAX_REFUSAL_BYTES))
        except (SourceError, httpx.HTTPError, ValueError, RecursionError):
            return ""
        reason = "".join(letter for letter in reason if letter.isprintable())
        return _without(secrets, reason)[:MAX_REASON]

    def _translated(self, error: Exception) -> SourceError:
        for foreign, ours, detail in TRANSLATIONS:
            if isinstance(error, foreign):
                return ours(self.name, f"{detail} ({type(error).__name__})", unreached=_unreached(error))
        raise AssertionError("TRANSLATIONS covers httpx.HTTPError and httpx.InvalidURL") from error

    def _forget_after_fork(self) -> None:
        # Kept, not closed: its locks may be held by threads that exist only in the parent.
        self._inherited, self._client = self._client, None
        self._lock = Lock()


def _unreached(error: Exception) -> str:
    """The address that could not be connected to, without user and password; empty for another error."""
    if not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return ""
    url = error.request.url
    return f"{url.scheme}://{url.netloc.decode('ascii')}"


def _without(secrets: tuple[str, ...], text: str) -> str:
    words = {word for secret in secrets for word in (secret, *secret.split()[-1:])}
    for word in sorted(filter(None, words), key=len, reverse=True):
        text = text.replace(word, "[removed]")
    return text


def parse_retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds from `now` (Unix time) that Retry-After names, by number or HTTP date (RFC 9110, 10.2.3).

    Never negative and at most an hour, so that a source cannot switch itself off for good; None for anything else.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:10]), MAX_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(text)
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _new_client(transport: httpx.BaseTransport) -> httpx.Client:
    no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    headers = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": "gzip"}
    return httpx.Client(
        transport=transport, headers=headers, cookies=no_cookies, trust_env=False, follow_redirects=False
    )


_sources: WeakSet[HttpSource] = WeakSet()


def open_all() -> None:
    """Make every source's pool now, so that nobody's first request waits for it; connects to nothing."""
    for source in _sources:
        source._open()


def _after_fork() -> None:
    for source in _sources:
        source._forget_after_fork()


os.register_at_fork(after_in_child=_after_fork)
