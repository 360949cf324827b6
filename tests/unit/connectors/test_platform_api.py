"""Reading what platforms answer: paths into JSON, and JSON that is none."""

from __future__ import annotations

from typing import Any

import httpx
import msgspec
import pytest

from cache_platform.exceptions import SourceMalformed, SourceRefused
from cache_platform.http import Answer
from connectors.platform_api import ask, at, data_source, json_of
from connectors.providers import get_provider
from tests.unit.provider_double import answering

SONG = {"track": {"name": "x", "artists": [{"name": "a"}, {}, {"name": "b"}, "c", None], "album": None}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", SONG),
        ("track.name", "x"),
        ("track.artists.name", ["a", "b"]),
        ("track.album.genres", None),
        ("track.name.more", None),
        ("nothing", None),
        ("track.artists", SONG["track"]["artists"]),
    ],
)
def test_paths_lead_through_objects_and_lists(path: str, found: Any) -> None:
    """None where there is nothing."""
    assert at(SONG, path) == found


@pytest.mark.parametrize("value", [None, 5, "text", True, [], {}, [[{"a": 1}]]])
def test_path_into_something_else_leads_nowhere(value: Any) -> None:
    """Whatever stands there."""
    assert not at(value, "a.b")


def test_lists_in_lists_without_end_are_no_crash() -> None:
    """As deep as the decoder goes."""
    deep = msgspec.json.decode(b"[" * 900 + b"]" * 900)
    assert at(deep, "a.b") == []


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"a": ', b"[" * 100_000, b'"\\ud800"', b'{"a": 1e999}'])
def test_body_that_is_no_json_is_malformed(body: bytes) -> None:
    """And nothing of it is told."""
    with pytest.raises(SourceMalformed) as caught:
        json_of(get_provider("chirper"), Answer(200, {}, body))
    assert "html" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 401, 429])
def test_data_is_asked_for_with_the_token_in_a_header(status: int, settings: Any) -> None:
    """Never in the address; what concerns one person is an answer."""
    settings.SANDBOX_URL = "http://sandbox.test"
    requests: list[httpx.Request] = []
    with data_source("chirper").through(answering(httpx.Response(status), requests=requests)):
        found = ask(get_provider("chirper"), "/platforms/chirper/api/me", "the-token", {"limit": 5})
    assert found.status == status
    (request,) = requests
    assert str(request.url) == "http://sandbox.test/platforms/chirper/api/me?limit=5"
    assert request.headers["Authorization"] == "Bearer the-token"


@pytest.mark.parametrize("token", ["schlüssel", "\ud800"])
def test_token_that_cannot_be_sent_is_refused(token: str) -> None:
    """And is not in the error."""
    try:
        with pytest.raises(SourceRefused) as caught:
            ask(get_provider("chirper"), "/x", token)
        assert token not in str(caught.value)
    finally:
        data_source("chirper").close()
