"""Flushing by hand, in two steps: choose what, then see how much that is and confirm."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from cache_platform import flushing
from cache_platform.conf import conf
from cache_platform.entry_counts import entry_counter
from cache_platform.exceptions import InvalidQuery, StoreUnavailable
from cache_platform.flushing import Count, Flushed, Target
from cache_platform.pages import access, flush_log, users, wording
from cache_platform.policies import registry
from cache_platform.stores import get_store

SALT = "cache_platform.flush"
LONGEST_THOUGHT = 600
"""Seconds for which a count that was shown may be confirmed."""
LONGEST_COUNT = 5.0
"""Seconds after which the page says how many it has found so far."""
WORD = "everything"
"""What has to be typed to flush everything."""
NAMES = {"policy": "policy", "tag": "tag", "user": "user", "pattern": "pattern", "key": "entry", "all": "everything"}


@require_safe
@access.page(access.VIEW, access.FLUSH)
def choose(request: HttpRequest) -> HttpResponse:
    """Step 1: what to flush."""
    return _choices(request)


@require_http_methods(["GET", "HEAD", "POST"])
@access.page(access.VIEW, access.FLUSH)
def confirm(request: HttpRequest) -> HttpResponse:
    """Step 2: what a flush of `policy`, `tag`, … would touch, or, with `sealed`, the flush of what was shown. Both by
    POST: a link of somebody else's must not have the keys walked. A GET, as after a sign-in, goes to step 1."""
    if request.method != "POST":
        return redirect("cache_pages:flush")
    if "sealed" in request.POST:
        return _flush(request)
    given: dict[str, Any] = {name: request.POST[name].strip() for name in flushing.KINDS if name in request.POST}
    if "all" in given:
        given["all"] = True
    try:
        target = flushing.target_of(given)
    except InvalidQuery as error:
        return _choices(request, given=given, error=error)
    return _confirmation(request, target)


def _choices(
    request: HttpRequest, *, given: dict[str, Any] | None = None, error: InvalidQuery | None = None
) -> HttpResponse:
    """Step 1, with what was typed and why that is not it."""
    context = {
        "title": "Flush",
        "policies": list(registry),
        "given": given or {},
        "errors": {error.field: error.message} if error else {},
        "prefix": conf.prefix,
        "past": flush_log.newest(),
    }
    return access.show(request, "flush", context, status=400 if error else 200)


def _confirmation(
    request: HttpRequest, target: Target, *, error: str = "", away: str = "", status: int = 200
) -> HttpResponse:
    """Step 2: how much it is, and what will happen. It is counted anew each time."""
    counted = None
    try:
        counted = _counted(target)
    except StoreUnavailable as problem:
        away = away or str(problem)
    entries = counted.entries if counted and counted.whole else None
    whom = users.named(target.value, to=request.user) if target.kind == "user" else None
    sealed = {"kind": target.kind, "value": target.value, "by": request.user.pk, "counted": entries}
    context = {
        "title": f"Flush {name_of(target)}?",
        "target": target,
        "kind": NAMES[target.kind],
        "whom": whom,
        "doubt": flushing.doubt(target),
        "count": count_words(target, counted, away=bool(away)),
        "effects": effects_of(target, away=bool(away)),
        "possible": not (away and target.deletes),
        "sealed": signing.dumps(sealed, salt=SALT),
        "word": WORD if target.kind == "all" else "",
        "error": error,
        "away": away,
    }
    return access.show(request, "flush_confirm", context, status=status)


def _counted(target: Target) -> Count:
    """How much it is. Raises StoreUnavailable, also where nothing is counted: what flushing would do depends on it."""
    counted = flushing.count(target, within=LONGEST_COUNT)
    if counted.entries is None:
        get_store().ping()
    return counted


def _flush(request: HttpRequest) -> HttpResponse:
    try:
        sealed = signing.loads(request.POST.get("sealed", ""), salt=SALT)
        target = Target(sealed["kind"], sealed["value"])
        signing.loads(request.POST["sealed"], salt=SALT, max_age=LONGEST_THOUGHT)
    except signing.SignatureExpired:
        return _confirmation(request, target, error="That was some time ago: look at the count again.", status=400)
    except signing.BadSignature:
        return _choices(request, error=InvalidQuery("target", "Nothing was flushed: choose again what to flush."))
    if sealed["by"] != request.user.pk:
        return _confirmation(request, target, error="Somebody else has looked at this: look yourself.", status=400)
    if target.kind == "all" and request.POST.get("word", "").strip().lower() != WORD:
        return _confirmation(request, target, error=f"Type “{WORD}” to go on.", status=400)
    assert isinstance(request.user, AbstractBaseUser)  # a stranger has no permission
    try:
        done = flushing.flush(target, by=request.user, where="admin", counted=sealed["counted"])
    except StoreUnavailable as problem:
        return _confirmation(request, target, away=str(problem), status=503)
    entry_counter.expire()
    level = messages.WARNING if done.left else messages.SUCCESS
    messages.add_message(request, level, outcome_of(done))
    return redirect("cache_pages:flush")


def name_of(target: Target) -> str:
    """The target in words, as in `policy weather.current`."""
    return NAMES["all"] if target.kind == "all" else f"{NAMES[target.kind]} {target.value}"


def count_words(target: Target, counted: Count | None, *, away: bool) -> str:
    """How much a flush would touch."""
    if target.kind in {"tag", "user"}:
        return f"Entries {'of a user' if target.kind == 'user' else 'under a tag'} are not counted."
    if away or counted is None:
        return "How many entries that is cannot be known: the store does not answer."
    if counted.entries is None:
        return "Not counted: somebody else is counting."
    words = wording.many(counted.entries, "entry", "entries")
    if not counted.whole and not (target.kind == "key" and counted.entries):
        return f"Not counted to the end, there are too many keys: {words} or more."
    if target.kind == "key":
        return "The entry is there." if counted.entries else "There is no such entry now."
    if target.deletes:
        return f"{words} match now." if counted.entries != 1 else "1 entry matches now."
    return f"{words} in the store now, those included that are superseded already and wait to expire."


def effects_of(target: Target, *, away: bool) -> list[str]:
    """What will happen, a sentence each."""
    if away and target.deletes:
        return ["Nothing can be deleted now. Flush a policy or a tag instead, which waits in the outbox, or try again."]
    if target.deletes:
        what = "Entries are deleted where they are." if target.kind == "pattern" else "The entry is deleted."
        first = f"{what} A load that is under way may still store what it has read."
    else:
        first = "Entries are superseded at once, at constant cost: their tag gets a new generation."
    waits = "The store does not answer: the flush waits in the outbox, and is made before the store is read again."
    relaxed = "Until then relaxed policies may go on with what each process remembers."
    loads = "The next read of each entry loads it from its source; readers of the same entry share one load."
    kept = "Limits, locks, sessions and statistics stay." if target.kind == "all" else ""
    lines = [*([waits, relaxed] if away else [first]), loads, kept, "It cannot be undone."]
    return [line for line in lines if line]


def outcome_of(done: Flushed) -> str:
    """What a flush did, in a sentence."""
    what = name_of(done.target)
    took = wording.milliseconds(done.milliseconds)
    if done.not_taken:
        return f"{what[0].upper()}{what[1:]} is {flushing.NOT_TAKEN}."
    if done.waiting:
        return (
            f"The store is away. The flush of {what} waits in the outbox, and is made before the store is read again."
        )
    if done.target.deletes:
        if not done.entries:
            return f"There was nothing to flush: no entry of {what} is there."
        return f"Flushed {what}: {wording.many(done.entries, 'entry', 'entries')} deleted in {took}."
    counted = "" if done.entries is None else f" {wording.many(done.entries, 'entry', 'entries')} counted before,"
    return f"Flushed {what}:{counted} superseded in {took}."
