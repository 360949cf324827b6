"""The page of one policy: its declaration, its numbers, its newest loads, and a look at one entry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods

from cache_platform import audit, inspection, recents
from cache_platform.entry_counts import entry_counter
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.inspection import Inspected
from cache_platform.pages import access, numbers, wording
from cache_platform.pages.charts import chart_of, clock, histogram
from cache_platform.pages.declaration import facts_of, ttl_words
from cache_platform.pages.overview import WINDOW_WORDS, frame_of, suggested, tiles_of, window_of
from cache_platform.pages.policy_table import COLUMNS
from cache_platform.pages.policy_table import facts_of as with_stored
from cache_platform.policies import CachePolicy, registry

FIELD = "p-"
"""What the names of the lookup's fields begin with, so that a parameter may be called anything."""
EXAMPLES = {UUID: "8c0c3027-09e5-4d52-8a3a-2d3a4f4f2b1e", date: "2026-01-31"}
"""Of types whose texts have a form of their own."""
STATES = {
    "fresh": ("good", "Fresh", "Readers get it."),
    "stale": ("warn", "Stale", "Its time is over; readers get it only while the source fails or is slow."),
    "expired": ("calm", "Expired", "Its time is over; the next read loads."),
    "superseded": ("calm", "Superseded", "A write or a flush has overtaken it; the next read loads."),
    "held": ("warn", "Held", "A write is under way; readers load past it until it ends."),
    "absent": ("calm", "Not there", "The next read loads."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the lookup. What was typed into a secret one is not given back."""

    name: str
    label: str
    kind: str
    secret: bool
    boolean: bool
    example: str
    value: str
    error: str


@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
@access.page(access.VIEW)
def policy_page(request: HttpRequest, name: str) -> HttpResponse:
    """The page; with the entry that was looked up, by POST because parameters may be secret. 404 for no policy."""
    if name not in registry:
        raise Http404(f"There is no policy {name!r}.")
    policy = registry.get(name)
    context = _numbers_of(request, policy)
    if access.is_part(request):
        return access.show(request, "policy_live", context)
    may_look = not policy.secret_params or request.user.has_perm(access.FLUSH)
    errors: dict[str, str] = {}
    found, away = None, ""
    if request.method == "POST" and not may_look:
        return access.show(request, "denied", {"title": "No permission", "missing": [access.FLUSH]}, status=403)
    if request.method == "POST":
        try:
            found = _looked_up(request, policy)
        except InvalidQuery as problem:
            errors = {problem.field: problem.message, **inspection.problems(policy, _typed_in(request, policy))}
        except StoreUnavailable as problem:
            away = str(problem)
    context |= {
        "title": policy.name,
        "facts": facts_of(policy),
        "fields": _fields(policy, request, errors),
        "found": _entry_words(found) if found else None,
        "lookup_away": away,
        "may_look": may_look,
    }
    return access.show(request, "policy", context, status=400 if errors else 503 if away else 200)


@sensitive_variables()
def _looked_up(request: HttpRequest, policy: CachePolicy[Any]) -> Inspected:
    """What is there for what was typed. That somebody tried secrets is written down before."""
    if policy.secret_params:
        assert isinstance(request.user, AbstractBaseUser)  # a stranger has no permission
        audit.looked_up(policy.name, request.user)
    return inspection.look_up(policy, _typed_in(request, policy))


@sensitive_variables()
def _typed_in(request: HttpRequest, policy: CachePolicy[Any]) -> dict[str, str]:
    return {name: request.POST.get(FIELD + name, "") for name in policy.params}


def _numbers_of(request: HttpRequest, policy: CachePolicy[Any]) -> dict[str, Any]:
    """The part that changes."""
    window = window_of(request)
    found = numbers.read(window, anew=not access.is_part(request))
    counted = None if found.away else entry_counter.latest()
    summary = found.summary(policy.name)
    facts = with_stored(summary, counted.entries.get(policy.name, 0) if counted else None)
    return {
        **frame_of(found),
        "policy": policy,
        "here": f"{request.path}?window={window}",
        "ttl": ttl_words(policy),
        "window_words": WINDOW_WORDS[window],
        "tiles": [] if found.away else tiles_of(summary, found.seconds),
        "counters": _counters(facts),
        "suggestions": [] if found.away else suggested(found, [policy]),
        "chart": chart_of(found.starts, found.over_time([policy.name]), found.step),
        "histogram": histogram(found.of(policy.name)),
        **_newest(policy),
    }


def _counters(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """Every column of the table, group by group."""
    groups: dict[str, list[dict[str, str]]] = {}
    for column in COLUMNS:
        text = column.shown(column.value(facts))
        groups.setdefault(column.group, []).append({"label": column.heading, "hint": column.hint, "text": text})
    return [{"name": name, "counters": each} for name, each in groups.items()]


def _newest(policy: CachePolicy[Any]) -> dict[str, Any]:
    """The newest loads, and those that failed; None while the store is away."""
    try:
        found = recents.read(policy.name)
    except StoreUnavailable:
        return {"loads": None, "failures": None}
    now = time.time()
    lines = [
        {
            "at": clock(each.at, days=now - each.at > 86_400, seconds=True),
            "ago": wording.ago(max(0.0, now - each.at)),
            "key": each.key,
            "took": wording.milliseconds(each.milliseconds),
            "size": wording.size(each.bytes),
            "error": each.error,
        }
        for each in found
    ]
    return {"loads": lines, "failures": sum(1 for each in found if each.error)}


def _fields(policy: CachePolicy[Any], request: HttpRequest, errors: Mapping[str, str]) -> list[Field]:
    return [
        Field(
            name=FIELD + name,
            label=name,
            kind=kind.__name__,
            secret=name in policy.secret_params,
            boolean=kind is bool,
            example=EXAMPLES.get(kind, ""),
            value="" if name in policy.secret_params else request.POST.get(FIELD + name, ""),
            error=errors.get(name, ""),
        )
        for name, kind in policy.params.items()
    ]


def _entry_words(found: Inspected) -> dict[str, Any]:
    kind, word, meaning = STATES[found.state]
    times = [("Loaded", found.loaded_at), ("Fresh until", found.fresh_until), ("Kept until", found.kept_until)]
    facts = [
        ("Age", wording.duration(found.age)),
        ("Remaining", _remaining(found.remaining)),
        *((label, clock(at, days=True, seconds=True)) for label, at in times if at is not None),
        ("Size", wording.size(found.bytes)),
        ("Stored as", found.codec or wording.DASH),
    ]
    there = found.age is not None
    return {
        "kind": kind,
        "word": word,
        "meaning": meaning,
        "key": found.key,
        "facts": facts if there else [],
        "there": there,
        "hidden": found.hidden,
        "value": found.value,
        "problem": found.problem,
    }


def _remaining(seconds: float | None) -> str:
    if seconds is None:
        return wording.DASH
    return wording.duration(seconds) if seconds >= 0 else f"over since {wording.duration(-seconds)}"
