"""HTTP to the platforms: one source each for their authorization servers and for their data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from cache_platform.deadlines import Deadline
from cache_platform.exceptions import SourceMalformed
from cache_platform.http import Answer, Ask, HttpSource, SourceLimits
from connectors.definitions import Provider
from connectors.providers import address, definitions

OAUTH_LIMITS = SourceLimits(total_timeout=2.5, max_bytes=100_000, max_connections=20, idle_connections=4)
DATA_LIMITS = SourceLimits(total_timeout=5.0, max_bytes=2_000_000, max_connections=20, idle_connections=4)

USED_UP = 429
ANSWERS = frozenset({200, 401, 403, USED_UP})
"""What a data API may answer without being taken for away: a token that ended, a scope that is missing and a quota that
is used up (GitHub says so with 403) concern one person, not the platform."""


def _nowhere() -> str:
    return ""  # the paths that are asked for are whole addresses: a platform has several hosts


@cache
def oauth_source(slug: str) -> HttpSource:
    """The authorization server of a platform."""
    return HttpSource(definitions()[slug].name, _nowhere, limits=OAUTH_LIMITS)


@cache
def data_source(slug: str) -> HttpSource:
    """The data of a platform."""
    return HttpSource(definitions()[slug].name, _nowhere, limits=DATA_LIMITS)


def ask(
    provider: Provider,
    url: str,
    token: str,
    params: Mapping[str, str | int] | None = None,
    *,
    deadline: Deadline | None = None,
) -> Answer:
    """The answer of a platform's data API to GET `url` of its definition, with one of ANSWERS as its status.
    Raises SourceError."""
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    source = data_source(provider.slug)
    asked = Ask(address(provider, url), params=params, headers=headers)
    with source.judged():
        try:
            return source.exchange(asked, expected=ANSWERS, deadline=deadline, part=True)
        except SourceMalformed as error:  # too large, say: what one person has there says nothing of the platform
            malformed = error
    raise malformed


def json_of(provider: Provider, answer: Answer) -> Any:  # noqa: ANN401  # any JSON
    """The body of an answer. Raises SourceMalformed."""
    try:
        return msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceMalformed(provider.name, f"the answer is no JSON ({type(error).__name__})") from error


def at(value: Any, path: str) -> Any:  # noqa: ANN401  # any JSON
    """What stands at a dotted path in decoded JSON; through a list, a list of what stands there in each. None where
    there is nothing, as for lists in lists; an empty path is the value itself."""
    for index, name in enumerate(parts := path.split(".") if path else []):
        if isinstance(value, list):
            rest = ".".join(parts[index:])
            each_of = [each for each in value if isinstance(each, dict)]  # no list: they may be nested without end
            return [found for each in each_of if (found := at(each, rest)) is not None]
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value
