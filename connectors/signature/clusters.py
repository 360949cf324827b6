"""The areas of life that a user's items fall into. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from connectors.schema import Cluster
from connectors.signature.areas import Seen
from connectors.signature.words import OTHER

MOST_LABELS = 5
DECIMALS = 4


def clusters_of(by_area: Mapping[str, Sequence[Seen]]) -> tuple[Cluster, ...]:
    """A cluster for each area with items, the largest first and OTHER last. `share` is rounded to 4 decimals."""
    total = sum(map(len, by_area.values()))
    names = sorted((name for name in by_area if by_area[name]), key=lambda name: (-len(by_area[name]), name))
    return tuple(_cluster(name, by_area[name], total) for name in sorted(names, key=lambda name: name == OTHER))


def _cluster(name: str, items: Sequence[Seen], total: int) -> Cluster:
    labels = Counter(label for item in items for label in item.labels)
    hours = Counter(item.happened_at.hour for item in items)
    return Cluster(
        name=name,
        share=round(len(items) / total, DECIMALS),
        items=len(items),
        labels=tuple(_most(labels)[:MOST_LABELS]),
        platforms=tuple(sorted({item.platform for item in items})),
        peak_hour=min(hours, key=lambda hour: (-hours[hour], hour)),
    )


def _most(counts: Counter[str]) -> list[str]:
    """The most frequent first; of equal ones in the order of the alphabet."""
    return sorted(counts, key=lambda name: (-counts[name], name))
