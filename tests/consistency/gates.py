"""Pauses in the real code: around what the store and the database are asked. A mutant does one of these wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import wraps
from typing import Any, NamedTuple
from unittest import mock

from django.db.backends.base.base import BaseDatabaseWrapper

from cache_platform import tracking
from cache_platform.flights import Flight, NextLoads
from cache_platform.reading import Reading
from cache_platform.stores.base import Fill, Lookup
from cache_platform.stores.redis import RedisStore
from tests.consistency.actors import about_to_wait, pause

COMMITTED = "has committed"
Real = Callable[..., Any]
PLACES: tuple[tuple[Any, str], ...] = (
    (RedisStore, "lookup"),
    (RedisStore, "fill"),
    (RedisStore, "hold"),
    (RedisStore, "bump"),
    (RedisStore, "let_go"),
    (BaseDatabaseWrapper, "_commit"),
    (Reading, "_follow"),
    (Reading, "_poll"),
    (Flight, "wait"),
    (NextLoads, "_enter"),
    (tracking, "_after"),
)
"""What is stood in front of; the method of Gates has the same name without the underscore."""


class Gates:
    """The real code, with pauses. Each method is given the real function, and the arguments that it was called with."""

    def __init__(self) -> None:
        self.real = {name.lstrip("_"): getattr(owner, name) for owner, name in PLACES}

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Stand in front of all PLACES."""
        with ExitStack() as patches:
            for owner, name in PLACES:
                patches.enter_context(mock.patch.object(owner, name, self._gate(name.lstrip("_"))))
            yield

    def _gate(self, name: str) -> Real:
        gate, real = getattr(self, name), self.real[name]

        @wraps(real)
        def through(*args: Any, **kwargs: Any) -> Any:
            return gate(real, *args, **kwargs)

        return through

    def lookup(self, real: Real, store: RedisStore, lookups: Sequence[Lookup]) -> Any:
        """The reader's first round trip."""
        found = real(store, lookups)
        pause("has looked up")
        return found

    def fill(self, real: Real, store: RedisStore, fills: Sequence[Fill]) -> Any:
        """The reader's last one."""
        pause("is about to fill")
        stored = real(store, fills)
        pause("has filled")
        return stored

    def hold(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str, hold_ms: int) -> None:
        """Before the COMMIT."""
        real(store, tag_keys, token, hold_ms)
        pause("has held")

    def bump(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str = "") -> int:
        """After it."""
        count: int = real(store, tag_keys, token)
        pause("has bumped")
        return count

    def let_go(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str) -> None:
        """After one that was refused."""
        real(store, tag_keys, token)
        pause("has let go")

    def commit(self, real: Real, connection: Any) -> None:
        """Also one that is refused."""
        try:
            real(connection)
        finally:
            pause(COMMITTED)

    def follow(self, real: Real, reading: Any, *args: Any) -> Any:
        """A reader turns to somebody else's load."""
        return real(reading, *args)

    def poll(self, real: Real, reading: Any, *args: Any) -> Any:
        """It is one of another process, for all that this reader knows."""
        about_to_wait()
        return real(reading, *args)

    def wait(self, real: Real, flight: Any, seconds: float) -> Any:
        """It is one of this process."""
        about_to_wait()
        return real(flight, seconds)

    def enter(self, real: Real, loads: Any, key: str) -> Any:
        """A load that nobody stores, which waits for the running one to be over."""
        flight, before = real(loads, key)
        if flight is not None and before is not None:
            about_to_wait()
        return flight, before

    def after(self, real: Real, *args: Any) -> Any:
        """The tags of the rows as an UPDATE left them."""
        return real(*args)


class NoHold(Gates):
    """A bump without a hold before the COMMIT."""

    def hold(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str, hold_ms: int) -> None:
        pause("has not held")


class NoBump(Gates):
    """A hold that is let go without a bump."""

    def bump(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str = "") -> int:
        store.let_go(tag_keys, token)
        return len(tag_keys)


class BumpBeforeCommit(Gates):
    """New generations while the old value is still what everybody reads, and none afterwards."""

    def hold(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str, hold_ms: int) -> None:
        self.real["bump"](store, tag_keys, token)
        pause("has bumped")

    def bump(self, real: Real, store: RedisStore, tag_keys: Sequence[str], token: str = "") -> int:
        return len(tag_keys)


class FillWithNewestGenerations(Gates):
    """The generations are read after the load instead of before."""

    def fill(self, real: Real, store: RedisStore, fills: Sequence[Fill]) -> Any:
        pause("is about to fill")
        with mock.patch(f"{__name__}.pause"):
            found = store.lookup([Lookup(address=fill.address, strict=fill.strict, tag_ms=60_000) for fill in fills])
        newest = [
            replace(
                fill,
                signature=now.signature,
                blob=fill.blob.replace(fill.signature.encode(), now.signature.encode(), 1),
            )
            for fill, now in zip(fills, found, strict=True)
        ]
        stored = real(store, newest)
        pause("has filled")
        return stored


def _under(signature: str, fill: Fill) -> Fill:
    """The same fill with another signature, which stands in front of the entry too."""
    return replace(fill, signature=signature, blob=fill.blob.replace(fill.signature.encode(), signature.encode(), 1))


class FollowUnchecked(Gates):
    """A follower takes its leader's value whatever its generations."""

    def follow(self, real: Real, reading: Any, *args: Any) -> Any:
        landed = real(reading, *args)
        return None if landed is None else replace(landed, checked=True)


class ShareRunningLoad(Gates):
    """Those who arrive during a load that nobody stores share it, instead of the next one."""

    def enter(self, real: Real, loads: Any, key: str) -> Any:
        lane = loads._lanes.get(key)
        return real(loads, key) if lane is None else (None, lane.running)


class TagsOfOldValuesOnly(Gates):
    """An UPDATE touches what its rows were, and not what they became."""

    def after(self, real: Real, *args: Any) -> Any:
        return ()


BACK = "goes back behind the look at the database"
OLDER = "begins after the write has returned and gives an older value"


class Mutant(NamedTuple):
    """A wrong protocol, what the checker says of it, and the kind of write and the start of the store that it takes."""

    gates: type[Gates]
    complaint: str = OLDER
    kind: str = "QuerySet.update"
    start: str = "cold"


MUTANTS = {
    "a bump without a hold": Mutant(NoHold, BACK),
    "a bump without a hold, where there was an entry": Mutant(NoHold, BACK, start="warm"),
    "a hold without a bump": Mutant(NoBump),
    "a bump before the COMMIT": Mutant(BumpBeforeCommit),
    "a fill with generations read after the load": Mutant(FillWithNewestGenerations),
    "a follower that takes any value": Mutant(FollowUnchecked),
    "a running load shared under a hold": Mutant(ShareRunningLoad, start="held"),
    "tags of the old values only": Mutant(TagsOfOldValuesOnly, kind="a row moves to the tag"),
}
"""Each must be found out."""
