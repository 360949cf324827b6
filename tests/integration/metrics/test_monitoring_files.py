"""The dashboard, the alert rules and the guide speak of metrics and labels that there are."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from cache_platform import metrics
from cache_platform.statistics import counters
from config.environment import BASE_DIR
from tests.conftest import use_redis
from tests.services.exposition import samples_of
from tests.services.redis import RedisUnderTest

pytestmark = pytest.mark.django_db

METRIC = re.compile(r"\bcache_platform_[a-z_]+")
SELECTOR = re.compile(r"\b(cache_platform_[a-z_]+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)(=~|!=|=|!~)"([^"]*)"')
GROUPING = re.compile(r"\bby \(([^)]*)\)")
SHOWN = re.compile(r"\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
DASHBOARD = json.loads((BASE_DIR / "monitoring/grafana-dashboard.json").read_text("utf-8"))
RULES = [
    rule
    for group in yaml.safe_load((BASE_DIR / "monitoring/alerts.yml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]


@dataclass(frozen=True)
class Query:
    """An expression, and the labels that the text beside it shows."""

    where: str
    expression: str
    shows: frozenset[str]


def queries() -> list[Query]:
    """All of both files."""
    found = [
        Query(f"panel {panel['title']}", target["expr"], frozenset(SHOWN.findall(target["legendFormat"])))
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]
    return found + [
        Query(f"alert {rule['alert']}", rule["expr"], frozenset(SHOWN.findall(" ".join(rule["annotations"].values()))))
        for rule in RULES
    ]


@pytest.fixture
def labels(settings: Any, redis_server: RedisUnderTest, state_redis: RedisUnderTest) -> dict[str, dict[str, set[str]]]:
    """Each metric's labels, and the values that they have, on a site with all that there is to show."""
    use_redis(settings, redis_server.url, state=state_redis.url)
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    counters.add("lock:thing", {"held": 1})
    found: dict[str, dict[str, set[str]]] = {}
    for name, pairs in samples_of(metrics.exposition().decode()):
        known = found.setdefault(name, {})
        for label, value in pairs:
            known.setdefault(label, set()).add(value)
    return found


def wrong(query: Query, labels: dict[str, dict[str, set[str]]]) -> list[str]:
    """What the query speaks of that there is not."""
    found = []
    of_query: set[str] = set()
    for name, matchers in SELECTOR.findall(query.expression):
        if name not in labels:
            found.append(f"no metric {name}")
            continue
        of_query |= labels[name].keys()
        for label, operator, value in MATCHER.findall(matchers):
            if label not in labels[name]:
                found.append(f"{name} has no label {label}")
            elif operator in {"=", "!="} and value not in labels[name][label]:
                found.append(f"{name} has no {label}={value}")
    groups = {label.strip() for each in GROUPING.findall(query.expression) for label in each.split(",")}
    found += [f"grouped by {label}, which there is not" for label in sorted(groups - of_query)]
    kept = groups or of_query
    found += [f"shows {label}, which is not kept" for label in sorted(query.shows - kept)]
    if query.expression.count("(") != query.expression.count(")"):
        found.append("its brackets do not match")
    return found


@pytest.mark.parametrize("query", queries(), ids=lambda query: query.where)
def test_a_query_speaks_of_what_there_is(query: Query, labels: dict[str, dict[str, set[str]]]) -> None:
    """Metrics, labels, their values, and what legends and texts show of them."""
    assert METRIC.search(query.expression)
    assert wrong(query, labels) == []


@pytest.mark.parametrize(
    "expression",
    [
        "cache_platform_read_total",
        'cache_platform_reads_total{polcy="x"}',
        'cache_platform_reads_total{result="hits"}',
        "sum by (server) (cache_platform_reads_total)",
        "sum(cache_platform_reads_total",
    ],
)
def test_the_check_finds_what_there_is_not(expression: str, labels: dict[str, dict[str, set[str]]]) -> None:
    """A metric, a label, a value and a grouping that there are not."""
    assert wrong(Query("here", expression, frozenset()), labels)


def test_the_guide_lists_every_metric(labels: dict[str, dict[str, set[str]]]) -> None:
    """And no other, with its labels."""
    guide = (BASE_DIR / "docs/guides/monitoring.md").read_text("utf-8")
    listed = {
        name: {label.strip() for label in given.split(",") if label.strip()}
        for name, given in re.findall(r"^\| `(cache_platform_[a-z_]+)(?:\{([^}]*)\})?`", guide, re.MULTILINE)
    }
    families: dict[str, set[str]] = {}
    for name, known in labels.items():
        families.setdefault(re.sub(r"_(bucket|count|sum)$", "", name), set()).update(set(known) - {"le"})
    assert listed == families


def test_every_metric_is_on_the_dashboard(labels: dict[str, dict[str, set[str]]]) -> None:
    """What nobody looks at need not be counted."""
    text = json.dumps(DASHBOARD)
    assert sorted(name for name in labels if name not in text) == []


def test_alerts_and_panels_have_names_of_their_own() -> None:
    """And each alert says what to do."""
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    assert all(rule["annotations"].keys() == {"summary", "description"} for rule in RULES)
    panels = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(panels)) == len(panels)
