"""The samples of a text in Prometheus' exposition format, read by its own parser."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(text: str) -> Samples:
    """Each sample by its name and labels. Fails for a text that is none, and for a sample that comes twice."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def sample(found: Samples, name: str, **labels: str) -> float | None:
    """One sample; None when there is none."""
    return found.get((f"cache_platform_{name}", frozenset(labels.items())))


def by_label(found: Samples, name: str, label: str, **labels: str) -> dict[str, float]:
    """The samples of `name` with `labels`, by what their other label is."""
    shown = {}
    for (each, pairs), value in found.items():
        rest = dict(pairs)
        if each == f"cache_platform_{name}" and label in rest and labels.items() <= rest.items():
            shown[rest[label]] = value
    return shown
