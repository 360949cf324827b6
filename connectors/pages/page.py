"""The page: the platforms as cards, and below them the signature."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import django.db
from csp.decorators import csp_update
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.pages.frame import account_page, user_of
from accounts.pages.wording import source
from connectors.extraction.jobs import latest_jobs, read_job
from connectors.pages.actions import act
from connectors.pages.addresses import form_targets, other_address
from connectors.pages.cards import PlatformCard, platform_card, progress_of
from connectors.pages.signatures import signature_panel
from connectors.providers import UnknownProvider, get_provider
from connectors.schema import JobView, PlatformState, UserStatus
from connectors.signature import read_signature
from connectors.states import read_status

logger = logging.getLogger(__name__)


@account_page
def page(request: HttpRequest) -> HttpResponse:
    """All of it, from the cache. A form says by `do` what it wants done (connectors.pages.actions)."""
    if request.method == "POST":
        return act(request)
    return cast(HttpResponse, csp_update({"form-action": form_targets()})(_show)(request))


@require_safe
def job_fragment(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """A job's progress, for its card to ask again and again; once it has ended, the whole card and the signature."""
    # A redirect would be followed by the script that asks, and the sign-in page would stand in the card.
    response = _job(request, job_id) if request.user.is_authenticated else _to_sign_in()
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie"])
    return response


def _show(request: HttpRequest) -> HttpResponse:
    user_id = user_of(request).pk
    status, signature = read_status(user_id), read_signature(user_id)
    if status.value is None:  # the user was deleted a moment ago
        raise Http404
    found, now = status.value.status, datetime.now(UTC)
    jobs = _jobs(found)
    items = signature.value.platforms if signature.value else {}
    context: dict[str, Any] = {
        "cards": [_card(state, jobs.get(state.provider), items, now) for state in found.platforms],
        "connected": found.connected,
        "can_reset": any(state.status != "disconnected" for state in found.platforms),
        "status_cached": status.cached,
        "status_source": source(status),
        "signature": signature_panel(signature.value),
        "signature_cached": signature.cached,
        "signature_source": source(signature),
        "other_address": other_address(request),
    }
    return render(request, "connectors/page.html", context)


def _jobs(status: UserStatus) -> dict[str, JobView]:
    """The last job of each platform: the page's one query, and none where nothing can be extracted from. Which jobs
    there are is not cached; the page is still good without them."""
    if not status.connected:
        return {}
    try:
        return latest_jobs(status.user_id)
    except django.db.Error:
        logger.warning("extractions were left out of the page: they could not be read", exc_info=True)
        return {}


def _card(state: PlatformState, job: JobView | None, items: dict[str, int], now: datetime) -> PlatformCard:
    try:
        provider = get_provider(state.provider)
    except UnknownProvider:
        provider = None
    return platform_card(state, provider, job, items=items.get(state.provider, 0), now=now)


def _job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    user_id, now = user_of(request).pk, datetime.now(UTC)
    job = read_job(job_id).value
    if job is None or job.user_id != user_id:
        raise Http404
    if progress := progress_of(job, now):
        return render(request, "connectors/job.html", {"progress": progress, "fragment": True})
    return _ended(request, job, now)


def _ended(request: HttpRequest, job: JobView, now: datetime) -> HttpResponse:
    """The whole card in the place of the old one, and the signature, which is put where it belongs by its id."""
    status, signature = read_status(job.user_id), read_signature(job.user_id)
    states = status.value.status.platforms if status.value else ()
    state = next((state for state in states if state.provider == job.provider), None)
    if state is None:
        raise Http404
    items = signature.value.platforms if signature.value else {}
    context: dict[str, Any] = {
        "card": _card(state, job, items, now),
        "signature": signature_panel(signature.value),
        "signature_cached": signature.cached,
        "signature_source": source(signature),
        "other_address": other_address(request),
        "ended": True,
    }
    response = render(request, "connectors/ended.html", context)
    response["HX-Retarget"] = f"#platform-{job.provider}"
    return response


def _to_sign_in() -> HttpResponse:
    address = f"{reverse('accounts:login')}?next={reverse('connectors:page')}"
    return HttpResponse(status=204, headers={"HX-Redirect": address})
