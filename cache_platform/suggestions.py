"""What the statistics suggest, with the figures that speak for it; of a minimum of reads or loads, as less is noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cache_platform.conf import conf
from cache_platform.load_times import in_words
from cache_platform.policies import CachePolicy, registry
from cache_platform.statistics import share

FEWEST_READS = 200
FEWEST_LOADS = 50
FEWEST_CALLS = 20
"""Loads, failed ones included: errors are seen sooner than habits."""
MOSTLY_UNCHANGED = 0.9
LONG_TTL = 24 * 3600
"""Seconds; a longer one is not suggested."""
LOW_HIT_RATE = 0.1
MOSTLY_STORED = 0.5
"""Of the loads; where fewer are, something keeps them out, and no TTL helps."""
MANY_SUPERSEDED = 0.5
"""Of the entries that were stored."""
MANY_ERRORS = 0.1
"""Of the calls."""
NEAR_TIMEOUT = 0.8
"""Of the hard timeout; the soft one may be reached."""
NEARLY_TOO_LARGE = 0.5
"""Of the largest entry that is stored: a mean of so much has larger ones above it."""
MANY_COLLAPSED = 0.2
"""Of the reads."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to do about a policy, and the figures that speak for it."""

    policy: str
    title: str
    reason: str


Found = tuple[str, str]
"""Title and reason."""
Pattern = Mapping[str, Any]


def suggestions(report: Mapping[str, Any]) -> list[Suggestion]:
    """What `inventory.report`'s body suggests, by policy; nothing while the store is away."""
    return [
        Suggestion(policy.name, title, reason)
        for pattern in report["patterns"]
        if (policy := _policy(pattern["name"])) is not None and policy.effective_ttl > 0
        for rule in RULES
        for title, reason in rule(policy, pattern)
    ]


def _policy(name: str) -> CachePolicy[Any] | None:
    return registry.get(name) if name in registry else None


def _unchanged(policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    if not _mostly_unchanged(pattern) or _often_superseded(pattern):
        return  # superseded entries do not live as long as the TTL lets them
    if policy.effective_ttl < LONG_TTL and policy.until is None:
        yield "Raise the TTL", f"{_same(pattern)}; the TTL is {policy.effective_ttl:g} s."


def _seldom_hit(policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    reads = pattern["hits"] + pattern["misses"]
    if reads < FEWEST_READS or pattern["hits"] >= LOW_HIT_RATE * reads or pattern["stored"] < _least_stored(pattern):
        return
    if _often_superseded(pattern) or _often_failing(pattern) or _often_collapsed(pattern):
        return  # they are why it is seldom hit
    rate = f"{_percent(pattern['hits'], reads)} of {reads} reads are hits"
    once = f"Most entries are read once within their TTL of {policy.effective_ttl:g} s"
    yield "Not worth caching as it is", f"{rate}. {once}: lengthen it, or coarsen the parameters, or do without."


def _superseded(policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    if not policy.tags or not _often_superseded(pattern):
        return
    reason = f"{pattern['superseded']} entries were superseded before they ended, of"
    for_nothing = f", and {_same(pattern)}" if _mostly_unchanged(pattern) else ""
    yield "Narrow its tags", f"{reason} {pattern['stored']} stored{for_nothing}. Its tags: {', '.join(policy.tags)}."


def _often_superseded(pattern: Pattern) -> bool:
    return bool(pattern["stored"] >= FEWEST_LOADS and pattern["superseded"] > MANY_SUPERSEDED * pattern["stored"])


def _least_stored(pattern: Pattern) -> float:
    return float(MOSTLY_STORED * pattern["loads"])


def _mostly_unchanged(pattern: Pattern) -> bool:
    compared, unchanged = pattern["loads_compared"], pattern["loads_unchanged"]
    return bool(compared >= FEWEST_LOADS and unchanged >= MOSTLY_UNCHANGED * compared)


def _same(pattern: Pattern) -> str:
    compared = pattern["loads_compared"]
    return f"{_percent(pattern['loads_unchanged'], compared)} of {compared} loads gave the value of the one before"


def _failing(policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    if not _often_failing(pattern):
        return
    errors, calls = pattern["load_errors"], pattern["providerCalls"]
    what = "" if policy.stale_for else " Nothing stale is served meanwhile: a relaxed policy may with stale_for."
    yield "Look at its source", f"{_percent(errors, calls)} of {calls} loads failed.{what}"


def _often_failing(pattern: Pattern) -> bool:
    calls = pattern["providerCalls"]
    return bool(calls >= FEWEST_CALLS and pattern["load_errors"] > MANY_ERRORS * calls)


def _slow(policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    p95 = pattern["p95LoadMs"]
    if p95 is None or pattern["loads"] < FEWEST_LOADS:
        return
    took = f"One load in twenty takes {in_words(p95, f'about {p95:g} ms or more')}"
    if p95 >= NEAR_TIMEOUT * policy.hard_timeout * 1000:
        yield "Its loads nearly time out", f"{took}; the hard timeout is {policy.hard_timeout:g} s."
    elif policy.soft_timeout is not None and p95 >= policy.soft_timeout * 1000:
        reason = f"{took}; after the soft timeout of {policy.soft_timeout:g} s readers get a stale entry"
        yield "Its loads are slower than readers wait", f"{reason}."


def _large(_policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    mean = pattern["meanBytes"]
    if mean is None or pattern["loads"] < FEWEST_LOADS or mean < NEARLY_TOO_LARGE * conf.max_entry_bytes:
        return
    reason = f"A stored entry has {mean:,} bytes in the mean, and above {conf.max_entry_bytes:,} none is stored"
    yield "Make its values smaller", f"{reason}."


def _stampeded(policy: CachePolicy[Any], pattern: Pattern) -> Iterator[Found]:
    if policy.refresh_ahead or not _often_collapsed(pattern):
        return
    collapsed, reads = pattern["collapsed"], pattern["hits"] + pattern["misses"]
    reason = f"{_percent(collapsed, reads)} of {reads} reads waited for a load that another had begun"
    yield "Refresh it ahead", f"{reason}: with refresh_ahead one reader loads before the entry ends, and nobody waits."


def _often_collapsed(pattern: Pattern) -> bool:
    reads = pattern["hits"] + pattern["misses"]
    return bool(reads >= FEWEST_READS and pattern["collapsed"] > MANY_COLLAPSED * reads)


def _percent(part: int, total: int) -> str:
    """As in `92.3 %`."""
    return share(part, total).replace("%", " %")


RULES: tuple[Callable[[CachePolicy[Any], Pattern], Iterator[Found]], ...] = (
    _failing,
    _slow,
    _unchanged,
    _superseded,
    _seldom_hit,
    _stampeded,
    _large,
)
"""What is wrong first, then what could be better."""
