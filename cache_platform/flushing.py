"""Flushing by hand: what to flush, how much that is, doing it, and who did.

A policy, a tag, a user and everything are superseded at constant cost; a pattern and a key delete entries.
"""

from __future__ import annotations

import difflib
import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from django.apps import apps
from django.db import Error, router, transaction

from cache_platform import generations, keys
from cache_platform.conf import conf
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.policies import registry

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

audit = logging.getLogger("cache_platform.audit")

Kind = Literal["policy", "tag", "user", "pattern", "key", "all"]
KINDS: tuple[Kind, ...] = ("policy", "tag", "user", "pattern", "key", "all")
LARGEST_ID = 2**63 - 1
NOT_WHOLE = (
    "not flushed, or not whole: the store does not answer, and entries can be deleted only where they are."
    " Flush the policy or a tag instead, which waits in the outbox, or try again"
)
PRINTED = re.compile(r"[!-~]{1,300}")
"""Keys are of these characters, so a pattern with another one would match nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """What to flush. `value` is a policy's name, a tag, a user's id in digits, a Redis glob for keys without the
    prefix, a whole key, or `*` for all."""

    kind: Kind
    value: str

    def __str__(self) -> str:
        return "all" if self.kind == "all" else f"{self.kind} {self.value}"

    @property
    def deletes(self) -> bool:
        """Whether flushing deletes entries, rather than giving a tag a new generation."""
        return self.kind in {"pattern", "key"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What a flush would touch: entries, None where telling would mean reading all of them, and generations."""

    entries: int | None
    generations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """What a flush did. `entries` are those that it deleted, or were counted before; None where nobody counted."""

    target: Target
    entries: int | None
    generations: int
    milliseconds: float

    @property
    def waiting(self) -> bool:
        """Whether the store was away, so that the flush waits in the outbox: it is made before anybody reads a strict
        policy from the store again. Of a relaxed one, processes may serve what they keep until then."""
        return not self.target.deletes and not self.generations


def target_of(given: Mapping[str, Any]) -> Target:
    """The target in `{policy}`, `{tag}`, `{user}`, `{pattern}`, `{key}` or `{all: True}`: exactly one of them.

    Raises InvalidQuery, which names what is allowed.
    """
    for name in given:
        if name not in KINDS:
            raise InvalidQuery(str(name)[:40], f"is not known here; give one of {', '.join(KINDS)}")
    if len(given) != 1:
        raise InvalidQuery("target", f"give exactly one of {', '.join(KINDS)}")
    [(kind, value)] = given.items()
    return Target(kind, _READERS[kind](value))  # type: ignore[arg-type]  # a key of KINDS, as was checked


def count(target: Target) -> Count:
    """What flushing `target` would touch, superseded entries included until they expire. Walks the keys with SCAN.

    Raises StoreUnavailable.
    """
    entries = None
    if target.kind not in {"tag", "user"}:
        entries = len(set(generations.entries_like(_glob_of(target))))
    return Count(entries=entries, generations=0 if target.deletes else 1)


def flush(target: Target, *, by: AbstractBaseUser | None, where: str, counted: int | None = None) -> Flushed:
    """Flush `target`, and write down that `by`, None for a command, did so, and `where`: `api`, `admin`, `command`.

    Doing it twice is harmless. `counted` is what `count` said before, for the record. With the store away, see
    `Flushed.waiting`; a pattern or a key raises StoreUnavailable, because then nothing can be deleted. One that fails
    is written down too, with how many it had deleted.
    """
    began, run = time.monotonic(), _Run(target, counted)
    try:
        run.go()
    except BaseException as error:
        _write_down(run.done(began), by, where, failed=True)
        if isinstance(error, StoreUnavailable) and target.deletes:
            raise StoreUnavailable(f"{NOT_WHOLE} ({error})") from error
        raise
    flushed = run.done(began)
    _write_down(flushed, by, where)
    return flushed


class _Run:
    """A flush that is under way."""

    def __init__(self, target: Target, counted: int | None) -> None:
        self._target = target
        self._entries = 0 if target.deletes else counted
        self._generations = 0

    def go(self) -> None:
        """Flush. Raises StoreUnavailable where there is something to delete."""
        target = self._target
        if not target.deletes:
            self._generations = generations.invalidate(_tag_of(target))
            return
        if target.kind == "key":
            self._entries = generations.flush_key(target.value)
            return
        for removed in generations.flush_pages(target.value):
            self._entries = (self._entries or 0) + removed

    def done(self, began: float) -> Flushed:
        """What it has done by now."""
        milliseconds = round((time.monotonic() - began) * 1000, 1)
        return Flushed(
            target=self._target, entries=self._entries, generations=self._generations, milliseconds=milliseconds
        )


def _tag_of(target: Target) -> str:
    if target.kind == "policy":
        return keys.policy_tag(target.value)
    if target.kind == "user":
        return f"user:{target.value}"
    return keys.EVERYTHING if target.kind == "all" else target.value


def _glob_of(target: Target) -> str:
    """The keys of a target's entries, without the prefix."""
    if target.kind == "policy":
        return f"{keys.escape_glob(target.value)}:*"
    if target.kind == "key":
        return keys.escape_glob(target.value.removeprefix(f"{conf.prefix}:"))
    return target.value


def _write_down(flushed: Flushed, by: AbstractBaseUser | None, where: str, *, failed: bool = False) -> None:
    """One line in the log, and a LogEntry where somebody did it who is a user and Django's admin is installed."""
    who = "a command" if by is None else f"user {by.pk} ({by.get_username()!r})"
    audit.log(
        logging.WARNING if failed else logging.INFO,
        "%s %s by %s in %s: entries %s, generations %d%s",
        "failed, or not whole: flushing" if failed else "flushed", flushed.target, who, where,
        "not counted" if flushed.entries is None else flushed.entries,
        flushed.generations, ", waiting in the outbox" if flushed.waiting and not failed else "",
    )  # fmt: skip
    if by is None or not apps.is_installed("django.contrib.admin"):
        return
    try:
        _log_entry(flushed, by, where, failed=failed)
    except Error:  # the line above says what happened
        audit.exception("flushing %s by %s: the database did not take the log entry", flushed.target, who)


def _log_entry(flushed: Flushed, by: AbstractBaseUser, where: str, *, failed: bool) -> None:
    from django.contrib.admin.models import DELETION, LogEntry
    from django.contrib.contenttypes.models import ContentType

    from cache_platform.models import Cache

    said = {"name": "cache entries", "object": str(flushed.target), "where": where}
    amounts = {"entries": flushed.entries, "generations": flushed.generations}
    became = {"waiting": flushed.waiting and not failed, "failed": failed}
    with transaction.atomic(using=router.db_for_write(LogEntry)):  # the caller's transaction goes on if this fails
        LogEntry.objects.create(
            user_id=by.pk,
            content_type=ContentType.objects.get_for_model(Cache, for_concrete_model=False),
            object_repr=str(flushed.target)[:200],
            action_flag=DELETION,
            change_message=json.dumps([{"deleted": said | amounts | became}]),  # as Django's own, which it can show
        )


def _policy(value: object) -> str:
    if isinstance(value, str) and value in registry:
        return value
    known = [policy.name for policy in registry]
    near = difflib.get_close_matches(value, known) if isinstance(value, str) else []
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise InvalidQuery("policy", f"there is no such policy; {hint}")


def _tag(value: object) -> str:
    if isinstance(value, str) and keys.is_tag(value):
        return value
    raise InvalidQuery("tag", "must be a tag, as in user:42 or policy:weather.current")


def _user(value: object) -> str:
    if isinstance(value, float) and value.is_integer() and value < 2**53:  # an integer of JSON Schema, not rounded
        value = int(value)
    text = str(value) if type(value) is int else value
    if isinstance(text, str) and re.fullmatch(r"[1-9][0-9]{0,18}", text) and int(text) <= LARGEST_ID:
        return text
    raise InvalidQuery("user", "must be a user's id, as in 42")


def _pattern(value: object) -> str:
    if _is_printed(value):
        return value
    raise InvalidQuery("pattern", "must be a Redis glob for keys without their prefix, as in weather.*:lat=52*")


def _key(value: object) -> str:
    if _is_printed(value) and value.startswith(generations.entry_starts()):
        return value
    raise InvalidQuery("key", f"must be an entry's whole key, as in {conf.prefix}:<policy>:<parameters>:<fingerprint>")


def _all(value: object) -> str:
    if value is True:
        return "*"
    raise InvalidQuery("all", "must be true")


def _is_printed(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and PRINTED.fullmatch(value) is not None


_READERS: dict[str, Callable[[object], str]] = {
    "policy": _policy,
    "tag": _tag,
    "user": _user,
    "pattern": _pattern,
    "key": _key,
    "all": _all,
}
