"""Token endpoints that answer something else than a token: one error class, in bounds, and nothing secret in it."""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import traceback
from typing import Any

import httpx
import pytest

from cache_platform.exceptions import (
    SourceBackoff,
    SourceError,
    SourceMalformed,
    SourceRateLimited,
    SourceRefused,
    SourceTimeout,
    SourceUnavailable,
)
from cache_platform.outages import FAILURES
from connectors import oauth
from connectors.oauth import OAuthRefused
from connectors.platform_api import OAUTH_LIMITS, oauth_source
from connectors.providers import client_of, get_provider
from connectors.tokens import Tokens
from tests.unit.connectors.platform_double import ACCESS, CODE, REFRESH, REGISTERED, TOKEN, VERIFIER, fetched, platform
from tests.unit.connectors.platform_double import registered as registered
from tests.unit.provider_double import Pieces

pytestmark = pytest.mark.usefixtures("registered")

SECRETS = (ACCESS, REFRESH, CODE, VERIFIER, REGISTERED["spotify"][1])


def assert_tells_nothing(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    """No secret in the error, in those it came from, or in the log."""
    text = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    found: BaseException | None = error
    while found is not None:
        text += repr(found.args)
        found = found.__cause__
    assert not [secret for secret in SECRETS if secret in text]


BODIES: list[Any] = [
    b"",
    b"null",
    b"true",
    b"5",
    b'"text"',
    b'"error"',
    b"[]",
    b'["error"]',
    b'["access_token"]',
    b"{}",
    b"<html><body>sorry</body></html>",
    b"\xff\xfe",
    b'{"access_token": "\xff"}',
    b'{"access_token": "\\ud800", "token_type": "bearer"}',
    b"\xef\xbb\xbf{}",
    b'{"access_token": "' + ACCESS.encode(),
    b"[" * 100_00,
    b'{"a":' * 10_000,
    b'{"expires_in": ' + b"9" * 9000 + b"}",
    {"token_type": "Bearer"},
    {**TOKEN, "access_token": None},
    {**TOKEN, "access_token": ""},
    {**TOKEN, "access_token": 7},
    {**TOKEN, "access_token": [ACCESS]},
    {**TOKEN, "access_token": {"a": ACCESS}},
    {**TOKEN, "access_token": f"{ACCESS} {ACCESS}"},
    {**TOKEN, "access_token": f"{ACCESS}\r\nX-Evil: 1"},
    {**TOKEN, "access_token": f"{ACCESS}\n"},
    {**TOKEN, "access_token": "schlüssel"},
    {**TOKEN, "access_token": "x" * 8001},
    {**TOKEN, "refresh_token": ""},
    {**TOKEN, "refresh_token": 7},
    {**TOKEN, "refresh_token": [REFRESH]},
    {**TOKEN, "refresh_token": f"{REFRESH}\x00"},
    {**TOKEN, "token_type": None},
    {**TOKEN, "token_type": "mac"},
    {**TOKEN, "token_type": 5},
    {**TOKEN, "token_type": ["Bearer"]},
    {**TOKEN, "expires_in": 0},
    {**TOKEN, "expires_in": -1},
    {**TOKEN, "expires_in": 10**15},
    {**TOKEN, "expires_in": True},
    {**TOKEN, "expires_in": False},
    {**TOKEN, "expires_in": 3600.5},
    {**TOKEN, "expires_in": "soon"},
    {**TOKEN, "expires_in": "-5"},
    {**TOKEN, "expires_in": "٣"},
    {**TOKEN, "expires_in": "9" * 5000},
    {**TOKEN, "expires_in": []},
    {**TOKEN, "expires_in": {"seconds": 5}},
    {**TOKEN, "expires_at": []},
    {**TOKEN, "expires_at": "1" * 5000, "expires_in": "x"},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: str(body)[:50])
def test_answer_that_is_no_token_is_malformed(body: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever it is."""
    caplog.set_level(logging.DEBUG)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(SourceMalformed) as caught:
        fetched("spotify", httpx.Response(200, content=content))
    assert_tells_nothing(caught.value, caplog)


@pytest.mark.parametrize(("given", "seconds"), [("3600", 3600), (1, 1), (None, None), (315_360_000, 315_360_000)])
def test_expires_in_may_be_digits_or_left_out(given: object, seconds: int | None) -> None:
    """Some platforms send it as text."""
    assert fetched("spotify", httpx.Response(200, json={**TOKEN, "expires_in": given})).expires_in == seconds


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(400, json=TOKEN), SourceMalformed),
        (httpx.Response(401, text="<html>"), SourceMalformed),
        (httpx.Response(403, json=[]), SourceMalformed),
        (httpx.Response(404, json={"error": "invalid_grant"}), SourceRefused),
        (httpx.Response(201, json=TOKEN), SourceMalformed),
        (httpx.Response(204), SourceMalformed),
        (httpx.Response(302, headers={"Location": "https://evil.test"}), SourceMalformed),
        (httpx.Response(429, headers={"Retry-After": "7"}), SourceRateLimited),
        (httpx.Response(500, json=TOKEN), SourceUnavailable),
        (httpx.Response(503, json={"error": "invalid_grant"}), SourceUnavailable),
        (httpx.ReadTimeout(f"of {ACCESS}"), SourceTimeout),
        (httpx.ConnectError(f"of {ACCESS}"), SourceUnavailable),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_status_decides_before_the_body_does(
    response: httpx.Response | Exception, expected: type[SourceError], caplog: pytest.LogCaptureFixture
) -> None:
    """Tokens in an answer that is no success are none, and an error in a 503 refuses nothing."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(SourceError) as caught:
        fetched("spotify", response)
    assert type(caught.value) is expected
    if not isinstance(response, Exception):  # the text of a foreign error is the test's own
        assert_tells_nothing(caught.value, caplog)


def test_answer_without_end_is_given_up() -> None:
    """At the limit of a token endpoint, which is far below that of data."""
    endless = Pieces(itertools.repeat(b"A" * 10_000))
    with pytest.raises(SourceMalformed, match="larger than"):
        fetched("spotify", httpx.Response(200, stream=endless))
    assert endless.sent == OAUTH_LIMITS.max_bytes // 10_000 + 1


def test_answer_that_grows_when_it_is_unpacked_is_given_up() -> None:
    """50 MB in 50 kB."""
    bomb = gzip.compress(b" " * 50_000_000, 1)
    answer = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Pieces([bomb]))
    with pytest.raises(SourceMalformed):
        fetched("spotify", answer)


def test_run_of_nonsense_is_an_outage_and_a_run_of_refusals_is_none() -> None:
    """One person's bad codes must not keep the platform from the others."""
    with platform("spotify", httpx.Response(400, json={"error": "invalid_grant"})) as requests:
        for _ in range(FAILURES + 2):
            with pytest.raises(OAuthRefused):
                _refresh()
        assert len(requests) == FAILURES + 2
    with platform("spotify", httpx.Response(200, text="<html>")) as requests:
        for _ in range(FAILURES):
            with pytest.raises(SourceMalformed):
                _refresh()
        with pytest.raises(SourceBackoff):
            _refresh()
        assert len(requests) == FAILURES


def _refresh() -> Any:
    return oauth.refresh(get_provider("spotify"), Tokens(ACCESS, REFRESH), ())


@pytest.mark.parametrize("response", [httpx.Response(400, json={"error": "invalid_grant"}), httpx.Response(200)])
def test_refresh_that_fails_tells_nothing(response: httpx.Response, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the old tokens nor the client's secret."""
    caplog.set_level(logging.DEBUG)
    with platform("spotify", response), pytest.raises((OAuthRefused, SourceMalformed)) as caught:
        _refresh()
    assert_tells_nothing(caught.value, caplog)


def test_no_repr_shows_a_secret() -> None:
    """Neither of tokens, nor of what was granted, nor of the client, nor of a source."""
    granted = fetched("spotify", httpx.Response(200, json=TOKEN))
    text = repr([granted, granted.tokens, client_of(get_provider("spotify")), oauth_source("spotify")])
    assert not [secret for secret in SECRETS if secret in text]
