"""The page that shows all policies at once."""

from __future__ import annotations

import os
import time
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cache_platform.conf import conf
from cache_platform.entry_counts import Counted, entry_counter
from cache_platform.pages import access, numbers, surroundings, wording
from cache_platform.pages.charts import chart_of, clock
from cache_platform.pages.policy_table import policy_table, reads_of, reduction
from cache_platform.policies import registry
from cache_platform.statistics import WINDOWS
from cache_platform.suggestions import suggestions

DEFAULT_WINDOW = "1h"
WINDOW_WORDS = {"5m": "5 minutes", "1h": "hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days"}


def window_of(request: HttpRequest) -> str:
    """The window that the address names; an hour where it names none that there is."""
    window = request.GET.get("window", DEFAULT_WINDOW)
    return window if window in WINDOWS else DEFAULT_WINDOW


@require_safe
@access.page(access.VIEW)
def overview(request: HttpRequest) -> HttpResponse:
    """The page; its changing part alone when the page itself asks."""
    window, sort = window_of(request), request.GET.get("sort", "")
    found = numbers.read(window, anew=not access.is_part(request))
    counted = None if found.away else entry_counter.latest()
    context = {
        **frame_of(found),
        "title": "Cache",
        "here": f"{request.path}?{urlencode({'window': window, 'sort': sort})}",
        "sort": sort,
        "tiles": [] if found.away else tiles_of(found.total, found.seconds),
        "counted": _counted_words(counted, away=bool(found.away)),
        "chart": chart_of(found.starts, found.over_time(policy.name for policy in registry), found.step),
        "table": policy_table(found, counted.entries if counted else None, sort=sort, window=window),
        "suggestions": [] if found.away else suggestions({"patterns": _patterns(found)}),
        "servers": surroundings.all_servers(),
        "outbox": surroundings.waiting(),
        "limits": surroundings.limits(found),
        "locks": surroundings.locks(found),
    }
    return access.show(request, "overview_live" if access.is_part(request) else "overview", context)


def _patterns(found: numbers.Numbers) -> list[dict[str, Any]]:
    return [{**found.summary(policy.name), "name": policy.name} for policy in registry]


def frame_of(found: numbers.Numbers) -> dict[str, Any]:
    """What both pages with numbers have: the windows, when this was, and why there are no numbers."""
    return {
        "window": found.window,
        "window_words": WINDOW_WORDS[found.window],
        "windows": WINDOW_WORDS,
        "as_of": clock(time.time(), seconds=True),
        "away": found.away,
        "caching_off": not conf.enabled,
    }


def tiles_of(total: dict[str, Any], seconds: int) -> list[dict[str, Any]]:
    """The figures to see first, of a summary over so many seconds."""
    reads = reads_of(total)
    return [
        {"label": "Reads", "figure": wording.number(reads), "note": f"{_rate(reads / seconds)} a second"},
        {"label": "Hit rate", "figure": wording.percent(total["hits"] / reads if reads else None),
         "note": f"{wording.number(total['hits'])} hits, {wording.number(total['misses'])} misses",
         "parts": _parts(total)},
        {"label": "API call reduction", "figure": wording.percent(reduction(total)),
         "note": f"{wording.number(total['providerCalls'])} calls made for {wording.many(reads, 'read')}"},
        {"label": "Calls saved", "figure": wording.number(total["callsSaved"]), "note": _savings(total)},
        {"label": "Load time p95, about", "figure": wording.load_time(total["p95LoadMs"]),
         "note": f"p50 {wording.load_time(total['p50LoadMs'])}, p99 {wording.load_time(total['p99LoadMs'])}"},
        {"label": "Load errors", "figure": wording.number(total["load_errors"]), "loud": bool(total["load_errors"]),
         "note": f"of {wording.many(total['providerCalls'], 'call')}"},
    ]  # fmt: skip


def _savings(total: dict[str, Any]) -> str:
    if total["micro_usd_saved"]:
        return f"{wording.dollars(total['micro_usd_saved'])} and {wording.many(total['tokens_saved'], 'token')} saved"
    return (
        f"{wording.many(total['tokens_saved'], 'token')} saved" if total["tokens_saved"] else "answers from the cache"
    )


def _rate(each_second: float) -> str:
    return f"{each_second:,.0f}" if each_second >= 9.95 else f"{each_second:.2g}" if each_second else "0"


def _parts(total: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What reads came to, as kinds with x and width of a hundred."""
    fresh = total["hits"] - total["local_hits"] - total["stale_hits"]
    amounts = {"hit": fresh, "local": total["local_hits"], "stale": total["stale_hits"], "miss": total["misses"]}
    whole, x, parts = sum(amounts.values()), 0.0, []
    for kind, amount in amounts.items():
        if amount > 0:
            width = 100 * amount / whole
            parts.append((kind, f"{x:.2f}", f"{width:.2f}"))
            x += width
    return parts


def _counted_words(counted: Counted | None, *, away: bool) -> str:
    if away:
        return f"Of this process alone, number {os.getpid()}: what it counted since the store went away."
    if counted is None:
        return "Entries are not counted yet."
    return f"{wording.many(sum(counted.entries.values()), 'entry', 'entries')}, counted {wording.ago(counted.age)}."
