"""What a monitor shows, from the samples that it has seen: rates, the newest trends, who is away since when."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cache_platform.commands.sampling import Interval, Sample, Trends, between, read_trends, summed
from cache_platform.exceptions import StoreUnavailable
from cache_platform.load_times import percentile
from cache_platform.policies import registry

SMOOTHED = 5.0
"""Seconds over which rates are means: processes add what they counted once a second, some now and some later."""
BAR = 1.9
"""Seconds over which a column of the chart is a mean, at the least: two additions of each process, and no more than the
usual interval."""
KEPT = 400
"""Samples for the chart; more columns have few screens."""
CATCHING_UP = 3.0
"""Seconds after an outage in which processes add what they counted meanwhile: that is no rate."""
TRENDS_AGE = 10.0
"""Seconds after which the trends are read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A policy, or all: events a second, and of the last minutes the share of hits and the time of loads. None is for
    what is not known yet, or not now."""

    name: str
    reads: float | None
    loads: float | None
    errors: float | None
    hits: int
    misses: int
    p95: float | None
    trend: tuple[float | None, ...] = ()

    @property
    def idle(self) -> bool:
        """Whether nothing happened in the time of the sparkline."""
        return not self.reads and not self.loads and not self.errors and not any(self.trend)


@dataclass(frozen=True, slots=True)
class Bar:
    """Hits and misses a second between two samples."""

    hits: float
    misses: float


class Monitor:
    """Call `note` with each sample. All else is for whoever shows it."""

    def __init__(self) -> None:
        self.samples: deque[Sample] = deque(maxlen=KEPT)
        self.bars: deque[Bar | None] = deque(maxlen=KEPT)
        self.trends: Trends | None = None
        self._trends_at = -TRENDS_AGE
        self._away_since: float | None = None
        self._back_at = -CATCHING_UP

    def note(self, sample: Sample) -> Interval | None:
        """Take a sample in; what was counted since the one before, if that is known."""
        latest = self.newest_known
        self.samples.append(sample)
        if sample.totals is None:
            self._away_since = self._away_since or sample.at
        else:
            if self._away_since is not None:
                self._away_since, self._back_at = None, sample.at
            self._read_trends(sample.at)
        if latest is None:
            return None
        self.bars.append(_bar(self._over(BAR)))
        return between(latest, sample)

    def _is_settled(self, sample: Sample) -> bool:
        """Whether what was counted since then is not of an outage."""
        return self._away_since is None and sample.at - self._back_at >= CATCHING_UP

    @property
    def newest_known(self) -> Sample | None:
        """The newest sample with counters."""
        return next((each for each in reversed(self.samples) if each.totals is not None), None)

    @property
    def away_for(self) -> float | None:
        """Seconds since the counters could not be read; None while they can."""
        return None if self._away_since is None else time.monotonic() - self._away_since

    def _read_trends(self, now: float) -> None:
        if now - self._trends_at < TRENDS_AGE:
            return
        try:
            self.trends, self._trends_at = read_trends(), now
        except StoreUnavailable:
            return

    def recent(self) -> Interval | None:
        """What was counted in the last SMOOTHED seconds."""
        return self._over(SMOOTHED)

    def _over(self, seconds: float) -> Interval | None:
        """What was counted in the last `seconds`, or between the two newest samples if that is longer; less while there
        is no more."""
        newest, found = self.samples[-1] if self.samples else None, None
        for earlier in reversed(list(self.samples)[:-1]):
            wider = between(earlier, newest) if newest is not None and self._is_settled(earlier) else None
            if wider is None:
                break
            found = wider
            if wider.seconds >= seconds:
                break
        return found

    def lines(self) -> list[Line]:
        """One for each policy, by name."""
        recent = self.recent()
        return [self._line(policy.name, recent) for policy in registry]

    def total(self) -> Line:
        """All policies together."""
        recent = self.recent()
        counts = summed(recent.policies()) if recent else None
        lately = summed({name: each for name, each in self._lately().items() if name in registry})
        return _line_of("all", counts, recent.seconds if recent else 0, lately, ())

    def refused(self) -> float | None:
        """Refusals of limits a second."""
        recent = self.recent()
        if recent is None:
            return None
        limits = {name: each for name, each in recent.counts.items() if name.startswith("limit:")}
        return summed(limits).get("refused", 0) / recent.seconds

    def _lately(self) -> Mapping[str, Mapping[str, int]]:
        return self.trends.lately if self.trends is not None else {}

    def _line(self, name: str, recent: Interval | None) -> Line:
        counts = recent.counts.get(name, {}) if recent else None
        trend = tuple(self.trends.reads.get(name, ())) if self.trends is not None else ()
        return _line_of(name, counts, recent.seconds if recent else 0, self._lately().get(name, {}), trend)


def _line_of(
    name: str,
    counts: Mapping[str, int] | None,
    seconds: float,
    lately: Mapping[str, int],
    trend: tuple[float | None, ...],
) -> Line:
    def rate(*counters: str) -> float | None:
        return None if counts is None else sum(counts.get(counter, 0) for counter in counters) / seconds

    return Line(
        name=name,
        reads=rate("hits", "misses"),
        loads=rate("loads"),
        errors=rate("load_errors"),
        hits=lately.get("hits", 0),
        misses=lately.get("misses", 0),
        p95=percentile(lately, 95),
        trend=trend,
    )


def _bar(interval: Interval | None) -> Bar | None:
    if interval is None:
        return None
    sums = summed(interval.policies())
    return Bar(sums.get("hits", 0) / interval.seconds, sums.get("misses", 0) / interval.seconds)


def json_line(sample: Sample, interval: Interval | None) -> dict[str, Any]:
    """One interval as JSON: what was counted in it, and how the servers are at its end. Null is what is not known."""
    counted: dict[str, Any] = {"seconds": None, "all": None, "policies": None}
    if interval is not None:
        policies = {name: _counted(each, interval.seconds) for name, each in sorted(interval.policies().items())}
        total = _counted(summed(interval.policies()), interval.seconds)
        counted = {"seconds": round(interval.seconds, 3), "all": total, "policies": policies}
    servers = {
        server.name: {
            "connected": server.up,
            "latencyMs": server.milliseconds,
            "breaker": server.breaker,
            **{name: server.said.get(name) for name in ("used_memory", "connected_clients", "evicted_keys")},
        }
        | ({"error": server.error} if server.error else {})
        for server in sample.servers
    }
    return {"timestamp": _iso(sample.clock), **counted, "servers": servers, "outbox": sample.outbox}


def _counted(counts: Mapping[str, int], seconds: float) -> dict[str, Any]:
    hits, misses = counts.get("hits", 0), counts.get("misses", 0)
    names = {"loads": "loads", "errors": "load_errors", "collapsed": "collapsed", "stale": "stale_hits"}
    return {
        "reads": hits + misses,
        "hits": hits,
        "misses": misses,
        **{shown: counts.get(counter, 0) for shown, counter in names.items()},
        "readsPerSecond": round((hits + misses) / seconds, 2),
        "loadsPerSecond": round(counts.get("loads", 0) / seconds, 2),
        "hitRate": round(hits / (hits + misses), 4) if hits + misses else None,
        "p95LoadMs": percentile(counts, 95),
    }


def _iso(clock: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(clock))
    return f"{whole}.{int(clock % 1 * 1000):03d}+00:00"
