"""Looking at one entry by its parameters, as staff do. Nothing is written, loaded or counted."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec
from django.views.decorators.debug import sensitive_variables

from cache_platform import entries
from cache_platform.entries import Entry, Freshness
from cache_platform.exceptions import InvalidQuery, ParameterError, UnreadableEntry
from cache_platform.keys import canonical
from cache_platform.policies import CachePolicy
from cache_platform.reading import lookup_of
from cache_platform.stores import get_store
from cache_platform.stores.base import Seen

State = Literal["fresh", "stale", "superseded", "expired", "absent", "held"]
LONGEST_VALUE = 4000
"""Letters of a value that are shown."""
CODECS = {"m": "MessagePack", "z": "MessagePack, zstandard", "n": "not found"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An entry, as a reader would find it at this moment.

    `key` is the whole one, prefix included, as flushing takes it. `state` is `absent` without an entry; `superseded`
    when one of its tags was bumped since it was stored; `held` while a write keeps a strict policy's readers from it;
    else by its times `fresh`, `stale` (served while its source fails or is slow) or `expired`.

    All else is None without an entry that can be read. `age` and `remaining` are seconds: since its load began, and of
    freshness left, negative when it is over. `loaded_at`, `fresh_until` and `kept_until` are seconds since 1970, by the
    store's clock. `bytes` is the body's size as it is stored, by `codec`, in words. `value` is JSON, cut at
    LONGEST_VALUE letters (then it ends with …), and None where it is `hidden`: of a private policy, or one with secret
    parameters. `problem` says why an entry cannot be read; for readers it is then a miss.
    """

    policy: str
    key: str
    state: State
    hidden: bool
    age: float | None = None
    remaining: float | None = None
    bytes: int | None = None
    codec: str | None = None
    loaded_at: float | None = None
    fresh_until: float | None = None
    kept_until: float | None = None
    value: str | None = None
    problem: str | None = None


@sensitive_variables()
def look_up(policy: CachePolicy[Any], params: Mapping[str, Any]) -> Inspected:
    """What is stored for `params`: of the types that the policy declares, or texts of them, as a form sends them.

    Raises InvalidQuery, by the parameter's name, and StoreUnavailable.
    """
    wish = lookup_of(policy, typed(policy, params))
    seen, key = get_store().inspect(wish), wish.address.key
    hidden = policy.audience != "public" or bool(policy.secret_params)
    if seen.blob is None:
        return Inspected(policy=policy.name, key=key, state="absent", hidden=hidden)
    try:
        entry = entries.parse(seen.blob)
        value = entries.decode(policy, entry)
    except UnreadableEntry as error:
        problem = "it cannot be read" if hidden else str(error)[:LONGEST_VALUE]
        return Inspected(policy=policy.name, key=key, state="absent", hidden=hidden, problem=problem)
    times = entry.times
    return Inspected(
        policy=policy.name,
        key=key,
        state=_state(policy, seen, entry),
        hidden=hidden,
        age=max(seen.now - times.loaded, 0) / 1000,
        remaining=(times.fresh_until - seen.now) / 1000,
        bytes=len(entry.body),
        codec=CODECS[entry.codec],
        loaded_at=times.loaded / 1000,
        fresh_until=times.fresh_until / 1000,
        kept_until=times.kept_until / 1000,
        value=None if hidden else _shown(value),
    )


@sensitive_variables()
def typed(policy: CachePolicy[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The policy's parameters in its own types, from them or from texts: numbers, `true` and `false`, UUIDs, dates as
    2026-01-31. Raises InvalidQuery."""
    for name in params:
        if name not in policy.params:
            known = ", ".join(policy.params) or "none"
            raise InvalidQuery(str(name)[:40], f"is no parameter of {policy.name}, which has {known}")
    found = {}
    for name, kind in policy.params.items():
        if name not in params:
            raise InvalidQuery(name, "is missing")
        found[name] = _value(name, params[name], kind)
    return found


@sensitive_variables()
def problems(policy: CachePolicy[Any], params: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with `params`, all at once, by the parameter's name; empty where `typed` would take them."""
    found = {}
    for name, kind in policy.params.items():
        try:
            _value(name, params.get(name, ""), kind)
        except InvalidQuery as error:
            found[name] = error.message
    return found


@sensitive_variables()
def _value(name: str, given: object, kind: type) -> Any:  # noqa: ANN401  # of the type `kind`
    read, example = READERS[kind]
    try:
        value = read(given) if isinstance(given, str) else given
        canonical(name, value, kind)
    except (ValueError, ParameterError) as error:
        raise InvalidQuery(name, f"must be {example}") from error
    return value


def _int(text: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,30}", text, re.ASCII):
        raise ValueError("no whole number")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not text.isascii() or "_" in text or not math.isfinite(number):
        raise ValueError("no number")
    return number


def _bool(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError("neither")
    return text.lower() == "true"


READERS: dict[type, tuple[Callable[[str], Any], str]] = {
    str: (str, "a text"),
    int: (_int, "a whole number, as in 42"),
    float: (_float, "a number, as in 52.52"),
    bool: (_bool, "true or false"),
    UUID: (UUID, "a UUID, as in 8c0c3027-09e5-4d52-8a3a-2d3a4f4f2b1e"),
    date: (date.fromisoformat, "a date, as in 2026-01-31"),
}
"""How each of PARAMETER_TYPES is read, and what is said to one who gives something else."""


def _state(policy: CachePolicy[Any], seen: Seen, entry: Entry) -> State:
    if not seen.valid:
        return "superseded"
    if seen.held and not policy.relaxed:
        return "held"
    freshness = entries.freshness(entry.times, seen.now)
    if freshness in {Freshness.FRESH, Freshness.DUE}:
        return "fresh"
    return "stale" if freshness is Freshness.STALE else "expired"


def _shown(value: object) -> str:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 1]}…"
