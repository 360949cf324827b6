"""The metrics of /metrics, in Prometheus' words: exact over all processes, because the store adds them up.

Any process may be asked: counters are the sums of all of them. Only whether it reaches the servers, and its breakers,
are a process's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from cache_platform import statistics
from cache_platform.conf import conf
from cache_platform.exceptions import StoreUnavailable
from cache_platform.health import servers
from cache_platform.inventory import outbox_rows
from cache_platform.load_times import BOUNDS, load_times
from cache_platform.locks import KIND
from cache_platform.policies import registry
from cache_platform.ratelimits import counter_of
from cache_platform.stores.redis import RedisStore

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
DECISIONS = ("admitted", "refused", "would_refuse")
"""Of LIMIT_COUNTERS those of which each decision is exactly one."""
Totals = Mapping[str, Mapping[str, int]]

BY_POLICY = {
    "loads": ("loads", "Loads that gave a value, or that there is none"),
    "load_errors": ("load_errors", "Loads that failed"),
    "left_alone": ("left_alone", "Loads not made, because their source is left alone for a while"),
    "collapsed": ("collapsed", "Misses that waited for another's load"),
    "superseded": ("superseded", "Entries overtaken by a write or flush before they ended"),
    "stored_bytes": ("bytes_stored", "Bytes of stored entries"),
    "tokens_saved": ("tokens_saved", "Tokens of a language model that cached answers saved"),
}
"""The counters of a policy that are shown as they are: metric, counter, what it is."""
BY_LIMIT = {
    "limit_unenforced": ("unenforced", "Decisions made while the store for state was away"),
    "limit_given_back": ("given_back", "Slots given back"),
}
OF_SERVERS = {
    "redis_memory_bytes": ("used_memory", "Memory in use"),
    "redis_memory_limit_bytes": ("maxmemory", "Memory that may be used; 0 without a limit"),
    "redis_clients": ("connected_clients", "Clients that are connected"),
}


def exposition() -> bytes:
    """All metrics as text; those that cannot be known at the moment, because a server is away, are left out."""
    return generate_latest(PlatformMetrics())


class PlatformMetrics(Collector):
    """What /metrics shows."""

    def collect(self) -> Iterator[Metric]:
        """Each metric with its samples."""
        yield from _of_servers()
        yield from _of_the_outbox()
        try:
            totals = statistics.read_totals()
        except StoreUnavailable:
            return
        yield from _of_policies(totals)
        yield from _of_limits(totals)
        yield from _of_locks(totals)


def _of_policies(totals: Totals) -> Iterator[Metric]:
    counts = {policy.name: totals.get(policy.name, {}) for policy in registry}
    reads = _counter("reads", "Reads, each counted once", "policy", "result")
    money = _counter("money_saved_usd", "US dollars that cached answers saved", "policy")
    times = HistogramMetricFamily(_name("load_seconds"), "How long loads took", labels=["policy"])
    for policy, amounts in counts.items():
        for result, amount in _results(amounts).items():
            reads.add_metric([policy, result], amount)
        money.add_metric([policy], amounts.get("micro_usd_saved", 0) / 1_000_000)
        times.add_metric([policy], _cumulative(amounts), sum_value=amounts.get("load_us", 0) / 1_000_000)
    yield from (reads, money, times)
    for name, (counter, text) in BY_POLICY.items():
        metric = _counter(name, text, "policy")
        for policy, amounts in counts.items():
            metric.add_metric([policy], amounts.get(counter, 0))
        yield metric


def _results(amounts: Mapping[str, int]) -> dict[str, int]:
    """Reads by what came of them, each in one of these; the statistics' hits include local and stale ones."""
    local, stale = amounts.get("local_hits", 0), amounts.get("stale_hits", 0)
    hit = amounts.get("hits", 0) - local - stale
    return {"hit": hit, "local": local, "stale": stale, "miss": amounts.get("misses", 0)}


def _cumulative(amounts: Mapping[str, int]) -> list[tuple[str, float]]:
    """The histogram as Prometheus has it: bounds in seconds, each bucket with all that lie below it."""
    found, passed, times = [], 0, load_times(amounts, BOUNDS)
    for bound in BOUNDS:
        passed += times[str(bound)]
        found.append((repr(bound / 1000), float(passed)))
    return [*found, ("+Inf", float(passed + times["inf"]))]


def _of_limits(totals: Totals) -> Iterator[Metric]:
    counts = {preset: totals.get(counter_of(preset), {}) for preset in sorted(conf.rate_limits)}
    decisions = _counter("limit_decisions", "Decisions, each counted once", "preset", "decision")
    for preset, amounts in counts.items():
        for decision in DECISIONS:
            decisions.add_metric([preset, decision], amounts.get(decision, 0))
    yield decisions
    for name, (counter, text) in BY_LIMIT.items():
        metric = _counter(name, text, "preset")
        for preset, amounts in counts.items():
            metric.add_metric([preset], amounts.get(counter, 0))
        yield metric


def _of_locks(totals: Totals) -> Iterator[Metric]:
    """By kind. Another name was not counted by us, and may be long and strange."""
    locks = _counter("locks", "What happened to locks", "kind", "event")
    for name in sorted(totals):
        kind = name.removeprefix("lock:")
        for event in statistics.LOCK_COUNTERS if kind != name and KIND.fullmatch(kind) else ():
            locks.add_metric([kind, event], totals[name].get(event, 0))
    yield locks


def _of_servers() -> Iterator[Metric]:
    up = _gauge("up", "1 while the process that answers this reaches the server", "server")
    open_ = _gauge("breaker_open", "1 while the breaker of the process that answers this is open", "server")
    evicted = _counter("redis_evicted_keys", "Keys evicted", "server")
    gauges = {name: (_gauge(name, text, "server"), field) for name, (field, text) in OF_SERVERS.items()}
    for name, store in servers().items():
        server = name if isinstance(store, RedisStore) else "memory"
        try:
            said = store.describe()
        except StoreUnavailable:
            said = None
        up.add_metric([server], int(said is not None))
        if not isinstance(store, RedisStore):
            continue  # its memory is this process's, and no server's
        open_.add_metric([server], int(store.breaker.is_open))
        if said and "evicted_keys" in said:
            evicted.add_metric([server], said["evicted_keys"])
        for metric, field in gauges.values():
            if said and field in said:
                metric.add_metric([server], said[field])
    yield from (up, open_, evicted, *(metric for metric, _ in gauges.values()))


def _of_the_outbox() -> Iterator[Metric]:
    waiting = outbox_rows()
    if waiting is None:
        return
    rows = _gauge("outbox_rows", "Writes whose tags wait to be bumped")
    rows.add_metric([], waiting)
    yield rows


def _name(name: str) -> str:
    return f"cache_platform_{name}"


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(_name(name), text, labels=labels)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(_name(name), text, labels=labels)
