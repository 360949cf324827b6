"""HttpSource.exchange: what a caller may send and expect, and that nothing of it gets into an error."""

from __future__ import annotations

import itertools
import json
import traceback

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
from cache_platform.http import MAX_ERROR_BYTES, Answer, Ask, HttpSource, SourceLimits
from cache_platform.outages import FAILURES
from tests.unit.provider_double import Clock, Pieces, answering

SECRET = "secret-5d1f"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def source(clock: Clock) -> HttpSource:
    return HttpSource("Test source", lambda: "", limits=SourceLimits(max_bytes=300_000), clock=clock)


def exchanged(
    source: HttpSource, ask: Ask, response: httpx.Response | Exception, **options: object
) -> tuple[Answer, httpx.Request]:
    """The answer, and the one request that was made for it."""
    requests: list[httpx.Request] = []
    with source.through(answering(response, requests=requests)):
        answer = source.exchange(ask, **options)  # type: ignore[arg-type]  # options of exchange
    (request,) = requests
    return answer, request


def test_get_is_what_is_asked_by_itself(source: HttpSource) -> None:
    """Without a body; the whole answer comes back, header names in lower case."""
    response = httpx.Response(200, content=b"\x00body", headers={"X-RateLimit-Remaining": "7"})
    answer, request = exchanged(source, Ask("https://one.test/path", params={"a": "b c"}), response)
    assert (request.method, str(request.url), request.content) == ("GET", "https://one.test/path?a=b+c", b"")
    assert (answer.status, answer.body, answer.headers["x-ratelimit-remaining"]) == (200, b"\x00body", "7")


def test_form_is_sent_url_encoded(source: HttpSource) -> None:
    """As token endpoints want it; signs survive, and an empty field stays."""
    ask = Ask("https://one.test/", method="POST", form={"a": "b&c=d+e %ü", "empty": ""})
    _, request = exchanged(source, ask, httpx.Response(200))
    assert request.method == "POST"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert request.content == b"a=b%26c%3Dd%2Be+%25%C3%BC&empty="


def test_json_is_sent_with_any_method(source: HttpSource) -> None:
    """GitHub wants it with DELETE."""
    ask = Ask("https://one.test/", method="DELETE", json={"access_token": SECRET}, headers={"X-One": "1"})
    _, request = exchanged(source, ask, httpx.Response(204), expected=frozenset({204}))
    assert (request.method, request.headers["Content-Type"]) == ("DELETE", "application/json")
    assert json.loads(request.content) == {"access_token": SECRET}
    assert request.headers["X-One"] == "1"


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 404, 429, 500])
def test_expected_status_is_an_answer(source: HttpSource, status: int) -> None:
    """Whatever it means elsewhere; a redirect is not followed then either."""
    response = httpx.Response(status, text="said", headers={"Location": "https://evil.test/"})
    answer, _ = exchanged(source, Ask("https://one.test/"), response, expected=frozenset({status}))
    assert (answer.status, answer.body) == (status, b"said")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (201, SourceMalformed),
        (302, SourceMalformed),
        (400, SourceRefused),
        (429, SourceRateLimited),
        (503, SourceUnavailable),
    ],
)
def test_any_other_status_is_an_error(source: HttpSource, status: int, kind: type[SourceError]) -> None:
    """Also 200 where only another one is expected."""
    with pytest.raises(kind):
        exchanged(source, Ask("https://one.test/"), httpx.Response(status), expected=frozenset({200, 401}))
    with pytest.raises(SourceMalformed):
        exchanged(source, Ask("https://one.test/"), httpx.Response(200), expected=frozenset({204}))


def test_errors_may_be_shorter_than_answers(source: HttpSource) -> None:
    """What is expected although it is no success is read up to a bound of its own."""
    ask, expected = Ask("https://one.test/"), frozenset({200, 400})
    fits = httpx.Response(200, content=b" " * 300_000)
    assert len(exchanged(source, ask, fits, expected=expected)[0].body) == 300_000
    fits = httpx.Response(400, content=b" " * MAX_ERROR_BYTES)
    assert len(exchanged(source, ask, fits, expected=expected)[0].body) == MAX_ERROR_BYTES
    endless = Pieces(itertools.repeat(b" " * 10_000))
    with pytest.raises(SourceMalformed):
        exchanged(source, ask, httpx.Response(400, stream=endless), expected=expected)
    assert endless.sent == MAX_ERROR_BYTES // 10_000 + 1
    assert endless.closed


def test_deadline_that_has_passed_sends_nothing(source: HttpSource, clock: Clock) -> None:
    """Calls that share one stop there."""
    shared = source.deadline()
    clock.advance(10)
    requests: list[httpx.Request] = []
    with source.through(answering(httpx.Response(200), requests=requests)), pytest.raises(SourceTimeout):
        source.exchange(Ask("https://one.test/"), deadline=shared)
    assert requests == []


ASK = Ask(
    "https://one.test/",
    method="POST",
    headers={"Authorization": f"Bearer {SECRET}"},
    form={"code": SECRET},
    json={"code": SECRET},
)


def test_no_repr_shows_what_was_sent_or_came() -> None:
    """Headers and bodies may be secret."""
    assert SECRET not in repr(ASK)
    assert SECRET not in repr(Answer(200, {"set-cookie": SECRET}, SECRET.encode()))


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(400, text=SECRET),
        httpx.Response(500, text=SECRET),
        httpx.Response(302, headers={"Location": f"https://evil.test/?code={SECRET}"}),
        httpx.Response(200, headers={"Content-Encoding": SECRET}),
        httpx.Response(429, headers={"Retry-After": SECRET}),
    ],
)
def test_no_error_shows_what_was_sent_or_came(source: HttpSource, response: httpx.Response) -> None:
    """Also not those that it came from."""
    ask = Ask("https://one.test/", method="POST", headers={"Authorization": f"Bearer {SECRET}"}, form={"code": SECRET})
    with pytest.raises(SourceError) as caught:
        exchanged(source, ask, response)
    assert SECRET not in "".join(traceback.format_exception(caught.value)) + repr(caught.value)


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer ü"}, {"Authorization": "Bearer \ud800"}, {"ü": "x"}])
def test_header_that_cannot_be_sent_is_refused(source: HttpSource, headers: dict[str, str]) -> None:
    """One of our errors, which says nothing of the header."""
    with pytest.raises(SourceRefused) as caught:
        exchanged(source, Ask("https://one.test/", headers=headers), httpx.Response(200))
    assert caught.value.__cause__ is None
    assert "Bearer" not in str(caught.value)


@pytest.mark.parametrize("text", ["\ud800", "a\udfff"])
def test_form_that_cannot_be_sent_is_refused(source: HttpSource, text: str) -> None:
    """Half a surrogate pair is no text."""
    with pytest.raises(SourceRefused):
        exchanged(source, Ask("https://one.test/", method="POST", form={"code": text}), httpx.Response(200))


@pytest.mark.parametrize("path", ["ftp://one.test/", "no-scheme", "https://one.test:99999/", "http://[::1/", "http://"])
def test_address_that_cannot_be_asked_is_one_of_our_errors(source: HttpSource, path: str) -> None:
    """As from a wrong setting; asked for real, since httpx itself refuses it."""
    try:
        with pytest.raises(SourceError):
            source.exchange(Ask(path))
    finally:
        source.close()


def test_parts_do_not_count_against_the_source(source: HttpSource) -> None:
    """Their caller judges the whole."""
    with source.through(answering(httpx.Response(503))):
        for _ in range(FAILURES + 1):
            with pytest.raises(SourceUnavailable):
                source.exchange(Ask("https://one.test/"), part=True)
        for _ in range(FAILURES):
            with pytest.raises(SourceUnavailable):
                source.exchange(Ask("https://one.test/"))
        with pytest.raises(SourceBackoff):
            source.exchange(Ask("https://one.test/"))
        with pytest.raises(SourceBackoff), source.judged():
            raise AssertionError("nothing is asked then")
        with pytest.raises(SourceUnavailable):
            source.exchange(Ask("https://one.test/"), part=True)


def test_judged_counts_what_the_reading_of_an_answer_finds(source: HttpSource) -> None:
    """An answer that is no token is as bad as none."""

    def read() -> None:
        with source.judged():
            source.exchange(Ask("https://one.test/"), part=True)
            raise SourceMalformed("Test source", "the answer is no token")

    with source.through(answering(httpx.Response(200))):
        for _ in range(FAILURES):
            with pytest.raises(SourceMalformed):
                read()
        with pytest.raises(SourceBackoff), source.judged():
            raise AssertionError("nothing is asked then")


def test_expected_refusals_do_not_count_against_the_source(source: HttpSource) -> None:
    """A 401 or 429 that concerns one person is an answer of a source that is well."""
    with source.through(answering(httpx.Response(429))):
        for _ in range(FAILURES + 1):
            assert source.exchange(Ask("https://one.test/"), expected=frozenset({200, 429})).status == 429
