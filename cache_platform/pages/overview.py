"""The page that shows all policies at once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from cache_platform.conf import conf
from cache_platform.entry_counts import Counted, entry_counter
from cache_platform.pages import access, numbers, surroundings, wording
from cache_platform.pages.charts import chart_of, clock
from cache_platform.pages.policy_table import policy_table, reads_of, reduction
from cache_platform.policies import CachePolicy, registry
from cache_platform.statistics import WINDOWS
from cache_platform.suggestions import Suggestion, suggestions

DEFAULT_WINDOW = "1h"
WINDOW_WORDS = {"5m": "5 minutes", "1h": "hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days"}

RATES = (("a second", 1), ("a minute", 60), ("an hour", 3600), ("a day", 86_400))


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
        "suggestions": [] if found.away else suggested(found, registry),
        "servers": surroundings.all_servers(),
        "outbox": surroundings.waiting(),
        "limits": surroundings.limits(found),
        "locks": surroundings.locks(found),
    }
    return access.show(request, "overview_live" if access.is_part(request) else "overview", context)


def suggested(found: numbers.Numbers, policies: Iterable[CachePolicy[Any]]) -> list[Suggestion]:
    """What the numbers suggest of these policies."""
    patterns = [{**found.summary(policy.name), "name": policy.name} for policy in policies]
    return [replace(each, reason=wording.unbroken(each.reason)) for each in suggestions({"patterns": patterns})]


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
        {"label": "Reads", "figure": wording.number(reads), "note": rate_words(reads, seconds)},
        {"label": "Hit rate", "figure": wording.percent(total["hits"] / reads if reads else None),
         "note": f"{wording.many(total['hits'], 'hit')}, {wording.many(total['misses'], 'miss', 'misses')}",
         "parts": _parts(total)},
        {"label": "API call reduction", "figure": wording.percent(reduction(total)),
         "note": f"{wording.many(total['providerCalls'], 'call')} made for {wording.many(reads, 'read')}"},
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


def rate_words(amount: int, seconds: int) -> str:
    """How much of something there is in so many seconds, as in `2.5 a minute`: in the shortest span in which it is one
    at least, and in none that is longer than they are."""
    known = [each for each in RATES if each[1] <= seconds] or RATES[:1]
    name, span = next((each for each in known if amount * each[1] >= seconds), known[-1] if amount else known[0])
    each = amount * span / seconds
    return f"{f'{each:,.0f}' if each >= 9.95 or not amount else f'{each:.2g}'} {name}"


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
