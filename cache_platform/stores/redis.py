"""The store in Redis, through django-redis's connection. Scripts make each method atomic and one round trip."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import connections
from redis.exceptions import NoScriptError, OutOfMemoryError, RedisError

from cache_platform import keys
from cache_platform.breaker import Breaker
from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.policies import Address
from cache_platform.stores import counting
from cache_platform.stores.base import (
    FAILURES_KEPT_MS,
    LOADS_KEPT,
    NO_LOADS,
    TAG_MARGIN_MS,
    Attempt,
    Bucket,
    Fill,
    Found,
    Lease,
    Loads,
    Log,
    Lookup,
    Seen,
    Stored,
    Taken,
    new_generation,
)
from cache_platform.stores.calls import Call, found_of, glance_call, glanced, lookup_call, take_call, taken_of
from cache_platform.stores.connection import direct, get_breaker, get_client, guarded
from cache_platform.stores.lua import script
from cache_platform.stores.pending import pending
from cache_platform.stores.trust import MARK_LASTS, Looks

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")
SCAN_PAGE = 1000
TAGS_A_CALL = 1000


def run(client: Redis, name: str, calls: Sequence[Call]) -> list[Any]:
    """What the script answered to each call, errors included; one round trip when the server knows the script."""
    return run_several(client, [(name, call) for call in calls])


def run_several(client: Redis, calls: Sequence[tuple[str, Call]]) -> list[Any]:
    """As `run`, each call with the name of its script."""
    answers = _sent(client, calls)
    if any(isinstance(answer, NoScriptError) for answer in answers):
        for name in dict.fromkeys(name for name, _ in calls):
            client.script_load(script(name)[1])
        answers = _sent(client, calls)
    if any(isinstance(answer, NoScriptError) for answer in answers):  # somebody has emptied the script cache again
        answers = _sent(client, calls, whole=True)
    for answer in answers:
        if isinstance(answer, RedisError) and not isinstance(answer, OutOfMemoryError):
            raise answer
    return answers


def _sent(client: Redis, calls: Sequence[tuple[str, Call]], *, whole: bool = False) -> list[Any]:
    command, part = ("EVAL", 1) if whole else ("EVALSHA", 0)
    if len(calls) == 1:
        name, (names, arguments) = calls[0]
        try:
            return [client.execute_command(command, script(name)[part], len(names), *names, *arguments)]  # type: ignore[no-untyped-call]  # redis-py's
        except (NoScriptError, OutOfMemoryError) as error:
            return [error]
    pipeline = client.pipeline(transaction=False)
    for name, (names, arguments) in calls:
        pipeline.execute_command(  # type: ignore[no-untyped-call]  # redis-py's pipeline has no types here
            command, script(name)[part], len(names), *names, *arguments
        )
    return pipeline.execute(raise_on_error=False)


class RedisStore:
    """Entries in the Redis behind a cache alias. Every method raises StoreUnavailable while its breaker is open."""

    name = "redis"

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self.looks = Looks(self.look_at_outbox, ask=_ask_databases)
        """This process's looks at the outbox."""

    @property
    def breaker(self) -> Breaker:
        """The breaker of the server."""
        return get_breaker(self._alias)

    def _run(self, name: str, calls: Sequence[Call]) -> list[Any]:
        return guarded(self._alias, lambda client: run(client, name, calls))

    def _run_past_breaker(self, name: str, calls: Sequence[Call]) -> list[Any]:
        """As `_run`; while the breaker is open the server is asked all the same."""
        return self._ask_past_breaker(lambda client: run(client, name, calls))

    def _ask_past_breaker(self, operation: Callable[[Redis], T]) -> T:
        if not self.breaker.is_open:
            return guarded(self._alias, operation)
        return direct(lambda: get_client(self._alias), operation)

    def _run_one(self, name: str, names: Sequence[str], *arguments: object) -> Any:  # noqa: ANN401  # a script's answer
        return _answered(self._run(name, [(list(names), list(arguments))])[0])

    def _run_at_leisure(self, name: str, names: list[str], *arguments: object) -> Any:  # noqa: ANN401  # a script's answer
        """As `_run_one`, for what is large by nature: that it is slow says nothing of the server."""
        calls: list[Call] = [(names, list(arguments))]
        return _answered(guarded(self._alias, lambda client: run(client, name, calls), timed=False)[0])

    def lookup(self, lookups: Sequence[Lookup]) -> list[Found]:
        """One round trip for all. Others before it when bumps of this process are still to be made up for, and when
        nobody has looked at the outbox lately; then one of the database, too."""
        if not lookups:
            return []
        try:
            self._make_up()
            found = self._look_up(lookups)
        except StoreUnavailable:
            self.looks.doubted()
            raise
        if conf.outbox_databases != [] and not self.looks.excused:
            found = self._believable(lookups, found)
        return found

    def _believable(self, lookups: Sequence[Lookup], found: list[Found]) -> list[Found]:
        """What was found, if somebody has looked at the outbox lately; else what is found after a look."""
        if not all(each.believed for each in found):
            try:
                self.looks.one()
                found = self._look_up(lookups)  # its mark, or anybody's, is there now
                if not self.looks.excused and not all(each.believed for each in found):
                    raise StoreUnavailable("the outbox was not looked at in time")
            except StoreUnavailable:
                self._give_back(lookups, found)
                raise
        if any(wish.strict for wish in lookups) and not self.looks.excused:
            self.looks.believed()
        return found

    def _give_back(self, lookups: Sequence[Lookup], found: Sequence[Found]) -> None:
        """Let the leases go that were won by one who cannot use them."""
        for wish, each in zip(lookups, found, strict=True):
            if each.lease is Lease.WON:
                with suppress(StoreUnavailable):
                    self.release(wish.address, wish.token, Lease.NONE)

    def _look_up(self, lookups: Sequence[Lookup]) -> list[Found]:
        fresh = new_generation()
        return [found_of(answer) for answer in self._run("lookup", [lookup_call(wish, fresh) for wish in lookups])]

    def look_ahead(
        self, lookups: Sequence[Lookup], attempts: Sequence[Attempt]
    ) -> tuple[list[Found | None], list[Taken | None]]:
        """See Store. Where nobody has looked at the outbox lately, no entry is believed."""
        try:
            self._make_up()
            return self._looked_ahead(lookups, attempts)
        except StoreUnavailable:
            self.looks.doubted()
            raise

    def _make_up(self) -> None:
        """Make the bumps of this process that are still due; raises at once while the breaker is open."""
        if pending:
            if self.breaker.is_open:
                raise StoreUnavailable(f"breaker open: {self.breaker.reason}")
            pending.drain(self._bump_pending)

    def _looked_ahead(
        self, lookups: Sequence[Lookup], attempts: Sequence[Attempt]
    ) -> tuple[list[Found | None], list[Taken | None]]:
        calls: list[tuple[str, Call]] = [("glance", glance_call(wish)) for wish in lookups]
        calls += [("take", take_call(attempt.logs, attempt.member, attempt.guard)) for attempt in attempts]
        answers = guarded(self._alias, lambda client: run_several(client, calls)) if calls else []
        found: list[Found | None] = []
        for wish, answer in zip(lookups, answers, strict=False):
            each = glanced(_answered(answer))
            if each is not None and each.believed and wish.strict:
                self.looks.believed()
            found.append(each if each and (each.believed or conf.outbox_databases == []) else None)
        return found, [taken_of(_answered(answer)) for answer in answers[len(lookups) :]]

    def inspect(self, wish: Lookup) -> Seen:
        """See Store."""
        address = wish.address
        names = [address.key, keys.epoch_key(), *address.tag_keys]
        now, blob, valid, held = self._run_one("inspect", names, address.digest, int(wish.strict))
        return Seen(now=now, blob=blob or None, valid=bool(valid), held=bool(held))

    def fill(self, fills: Sequence[Fill]) -> list[Stored]:
        """One round trip for all. A full server stores nothing and answers FULL."""
        if not fills:
            return []
        fresh = new_generation()
        calls: list[Call] = [
            (
                [fill.address.key, fill.address.lease_key, keys.epoch_key(), *fill.address.tag_keys],
                [
                    fill.address.digest,
                    int(fill.strict),
                    fresh,
                    fill.keep_ms + TAG_MARGIN_MS,
                    fill.token,
                    fill.signature,
                    fill.blob,
                    fill.keep_ms,
                    fill.loaded,
                ],
            )
            for fill in fills
        ]
        return [
            Stored.FULL if isinstance(answer, OutOfMemoryError) else Stored(answer.decode())
            for answer in self._run("fill", calls)
        ]

    def release(self, address: Address, token: str, verdict: Lease, *, pause_ms: int = 0, failures: int = 0) -> None:
        """See Store."""
        self._run_one("release", [address.lease_key], token, verdict.value, pause_ms, failures, FAILURES_KEPT_MS)

    def hold(self, tag_keys: Sequence[str], token: str, hold_ms: int) -> None:
        """See Store."""
        calls: list[Call] = [(page, [token, hold_ms, new_generation()]) for page in batched(tag_keys)]
        for answer in self._run("hold", calls) if calls else ():
            _answered(answer)

    def let_go(self, tag_keys: Sequence[str], token: str) -> None:
        """See Store."""
        if tag_keys:
            calls: list[Call] = [(page, [token, new_generation(), TAG_MARGIN_MS]) for page in batched(tag_keys)]
            self._run("let_go", calls)

    def bump(self, tag_keys: Sequence[str], token: str = "") -> int:
        """See Store. Tried whatever the breaker says."""
        return self.bump_many([(tag_keys, token)])

    def bump_many(self, bumps: Sequence[tuple[Sequence[str], str]]) -> int:
        """See Store. Tried whatever the breaker says."""
        calls: list[Call] = [
            (list(page), [token, new_generation(), TAG_MARGIN_MS])
            for tag_keys, token in bumps
            for page in batched(tag_keys)
        ]
        if not calls:
            return 0
        return sum(int(_answered(answer)) for answer in self._run_past_breaker("bump", calls))

    def _bump_pending(self, tag_keys: list[str]) -> None:
        self.bump(tag_keys)

    def drain_before_closing(self) -> None:
        """Have the pending bumps made and the outbox drained before the breaker closes, so that no reader pays for it,
        and relaxed policies do not go back to what was invalidated meanwhile."""
        self.breaker.drain_before_closing(self._drain)

    def _drain(self) -> None:
        pending.drain(self._bump_pending)
        self.looks.one()

    def take(self, logs: Sequence[Log], member: str) -> Taken:
        """See Store."""
        names, arguments = take_call(logs, member)
        taken = taken_of(self._run_one("take", names, *arguments))
        assert taken is not None  # only a guard makes it None
        return taken

    def give_back(self, log_keys: Sequence[str], member: str) -> None:
        """See Store."""
        self._run_one("give_back", log_keys, member)

    def scan(self, pattern: str, *, page: int = SCAN_PAGE, until: float = math.inf) -> Iterator[str]:
        """A round trip per page of keys; a key may come twice, as SCAN says. One that is no text is nobody's entry."""
        cursor = 0
        while True:
            position = cursor
            cursor, found = guarded(
                self._alias,
                lambda client: client.scan(position, match=pattern, count=page),  # noqa: B023  # called at once
                timed=False,
            )
            yield from filter(None, map(_text, found))
            if cursor == 0 or time.monotonic() >= until:
                return

    def holds(self, name: str) -> bool:
        """See Store."""
        return guarded(self._alias, lambda client: bool(client.exists(name)))

    def delete(self, names: Iterable[str]) -> int:
        """A round trip per 1,000 keys; UNLINK frees the memory in the background."""
        rest, removed = iter(names), 0
        while page := list(islice(rest, SCAN_PAGE)):
            removed += guarded(self._alias, lambda client: int(client.unlink(*page)))
        return removed

    def add_counters(self, process: str, batch: int, counters: Mapping[str, int], loads: Loads = NO_LOADS) -> None:
        """See Store. The number of the newest batch is kept per process, so a batch sent again adds nothing."""
        names, arguments = counting.added(process, batch, counters, loads)
        self._run_one("add_counters", names, *arguments)

    def read_counters(self, *, minutes: int = 0, fives: int = 0, hours: int = 0) -> dict[str, int]:
        """See Store; as many round trips as read_buckets."""
        return counting.summed(self.read_buckets(minutes=minutes, fives=fives, hours=hours))

    def read_buckets(self, *, minutes: int = 0, fives: int = 0, hours: int = 0) -> list[Bucket]:
        """A round trip for the sizes and one a page; see counting.read_buckets."""
        ask = partial(guarded, self._alias, timed=False)
        return counting.read_buckets(ask, minutes=minutes, fives=fives, hours=hours)

    def read_totals(self) -> dict[str, int]:
        """See Store."""
        return counting.totals_of(self._run_at_leisure("totals", [f"{counting.base_key()}:total"]))

    def read_loads(self, policy_name: str) -> list[bytes]:
        """See Store."""
        name = f"{counting.base_key()}:recent:{policy_name}"
        found: list[bytes] = self._run_at_leisure("recents", [name], LOADS_KEPT)
        return found

    def ping(self) -> None:
        """See Store."""
        guarded(self._alias, lambda client: client.ping())

    def look_at_outbox(self) -> int:
        """Drain the outbox and leave the mark of it; how many rows. Raises StoreUnavailable and OutboxUnreadable.

        Two round trips, and a query for each database. In a thread whose connections are in no transaction.
        """
        from cache_platform import outbox  # needs models, which are there once Django is set up

        seconds, microseconds = self._ask_past_breaker(lambda client: client.time())
        drained = outbox.drain()
        began, lasts = seconds * 1000 + microseconds // 1000, round(MARK_LASTS * 1000)
        for answer in self._run_past_breaker("mark", [([keys.mark_key()], [began, lasts])]):
            _answered(answer)
        return drained

    def describe(self) -> dict[str, Any]:
        """See Store."""
        info = guarded(self._alias, lambda client: client.info())
        wanted = (
            "redis_version", "valkey_version", "uptime_in_seconds", "connected_clients", "used_memory",
            "maxmemory", "maxmemory_policy", "evicted_keys", "expired_keys",
        )  # fmt: skip
        return {name: info[name] for name in wanted if name in info}


def _text(name: str | bytes) -> str:
    """A key as text; empty for one that is none."""
    try:
        return name.decode() if isinstance(name, bytes) else name
    except UnicodeDecodeError:
        return ""


def batched(tag_keys: Sequence[str]) -> Iterator[list[str]]:
    """At most TAGS_A_CALL of them at a time: a script with many keys keeps the server from all others."""
    for start in range(0, len(tag_keys), TAGS_A_CALL):
        yield list(tag_keys[start : start + TAGS_A_CALL])


def _answered(answer: Any) -> Any:  # noqa: ANN401  # a script's answer
    """The answer. Raises StoreUnavailable for a server that refuses even small writes."""
    if isinstance(answer, OutOfMemoryError):
        raise StoreUnavailable(f"redis refuses even small writes: {answer}") from answer
    return answer


def _ask_databases() -> None:
    """Have each database with an outbox answer. Raises Django's database errors."""
    from cache_platform import outbox  # needs models

    for using in outbox.databases():
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT 1")
