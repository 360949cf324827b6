"""Flushing by hand: what to flush, how much that is, doing it, and who did.

A policy, a tag, a user and everything are superseded at constant cost; a pattern and a key delete entries.
"""

from __future__ import annotations

import difflib
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

from cache_platform import audit, generations, keys
from cache_platform.conf import conf
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.invalidation import is_declared
from cache_platform.policies import registry
from cache_platform.transactions import Left

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Kind = Literal["policy", "tag", "user", "pattern", "key", "all"]
KINDS: tuple[Kind, ...] = ("policy", "tag", "user", "pattern", "key", "all")
LARGEST_ID = 2**63 - 1
NOT_WHOLE = (
    "not flushed, or not whole: the store does not answer, and entries can be deleted only where they are."
    " Flush the policy or a tag instead, which waits in the outbox, or try again"
)
NOT_TAKEN = (
    "not flushed: neither the store nor the outbox in the database took it. The process that was asked makes up for it"
    " before its own next read, if it lives until then. Flush again when either is back"
)
LONGEST_GUESS = 100
"""Characters of a name that no policy has; those that are near it are looked for letter by letter."""
LONGEST_PATTERN = 120
MOST_WILD = 5
"""Stars, and sets in brackets, in a pattern: the server compares each key with it, and does nothing else meanwhile."""
NAMELESS = re.compile(r"(?:\[(?:\\.|[^\]\\])*+\]?+|[*?:.,=])*+")
"""Patterns without a letter of a name, which match everything. Possessive, because what is in a set that nobody closed
could be read as outside of it, too: trying both, for each set again, takes seconds, in which the process does nothing
else."""
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
    """What a flush would touch: entries, None where telling would mean reading all of them, and generations. Without
    `whole` counting ended before all were seen, or, with None, did not begin because somebody else's was under way."""

    entries: int | None
    generations: int
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """What a flush did. `entries` are those that it deleted, or were counted before; None where nobody counted. `left`
    is where it waits, None when it was made."""

    target: Target
    entries: int | None
    generations: int
    milliseconds: float
    left: Left | None = None

    @property
    def waiting(self) -> bool:
        """Whether the store was away, so that the flush waits in the outbox: it is made before anybody reads a strict
        policy from the store again. Of a relaxed one, processes may serve what they keep until then."""
        return self.left == "outbox"

    @property
    def not_taken(self) -> bool:
        """Whether the database was away too, so that this process alone knows of it; see NOT_TAKEN."""
        return self.left == "process"


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


def doubt(target: Target) -> str:
    """Why flushing `target` would supersede nothing: no policy has such a tag; empty where one has."""
    tag = _tag_of(target)
    if target.kind not in {"tag", "user"} or is_declared(tag):
        return ""
    kind, colon, _ = tag.partition(":")
    return f"No policy declares a tag like {kind}{colon and ':…'}"


_counting = threading.Lock()


def count(target: Target, *, within: float = threading.TIMEOUT_MAX) -> Count:
    """What flushing `target` would touch, superseded entries included until they expire. Where that is more than a key,
    it walks the keys with SCAN, one count at a time in a process, for `within` seconds.

    Raises StoreUnavailable.
    """
    bumped, until = 0 if target.deletes else 1, time.monotonic() + within
    if target.kind in {"tag", "user"}:
        return Count(entries=None, generations=bumped)
    if target.kind == "key":
        return Count(entries=int(generations.has_key(target.value)), generations=bumped)
    if not _counting.acquire(timeout=within):
        return Count(entries=None, generations=bumped, whole=False)
    try:
        entries = len({hash(key) for key in generations.entries_like(_glob_of(target), until=until)})
    finally:
        _counting.release()
    return Count(entries=entries, generations=bumped, whole=time.monotonic() < until)


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
        audit.flushed(run.done(began), by, where, failed=True)
        if isinstance(error, StoreUnavailable) and target.deletes:
            raise StoreUnavailable(f"{NOT_WHOLE} ({error})") from error
        raise
    done = run.done(began)
    audit.flushed(done, by, where)
    return done


class _Run:
    """A flush that is under way."""

    def __init__(self, target: Target, counted: int | None) -> None:
        self._target = target
        self._entries = 0 if target.deletes else counted
        self._generations = 0
        self._left: Left | None = None

    def go(self) -> None:
        """Flush. Raises StoreUnavailable where there is something to delete."""
        target = self._target
        if not target.deletes:
            self._generations, self._left = generations.supersede(_tag_of(target))
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
            target=self._target,
            entries=self._entries,
            generations=self._generations,
            milliseconds=milliseconds,
            left=self._left,
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
    return target.value


def _policy(value: object) -> str:
    if isinstance(value, str) and value in registry:
        return value
    known = [policy.name for policy in registry]
    near = difflib.get_close_matches(value[:LONGEST_GUESS], known) if isinstance(value, str) else []
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
    raise InvalidQuery("policy", f"there is no such policy; {hint}")


def _tag(value: object) -> str:
    if value == keys.EVERYTHING:
        raise InvalidQuery("tag", "is on every entry; choose everything (all) instead")
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
        if len(value) > LONGEST_PATTERN or max(value.count("*"), value.count("[")) > MOST_WILD:
            most = f"{LONGEST_PATTERN} characters, {MOST_WILD} stars and {MOST_WILD} sets in brackets"
            raise InvalidQuery("pattern", f"may have {most} at the most, since each key is compared with it")
        if NAMELESS.fullmatch(value):
            raise InvalidQuery("pattern", "matches every entry; choose everything (all) instead")
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
