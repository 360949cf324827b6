"""The page, its cards one by one, and the places while somebody types."""

from __future__ import annotations

import time
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from cache_platform.exceptions import InvalidQuery
from dashboard.cards import PendingNews, PendingPlan, PendingPlatforms, PendingWeather
from dashboard.choices import check_query, choice_of, remember
from dashboard.search import search, where
from dashboard.searches import take_search, told
from dashboard.visitors import visitor_of

PAGE_PATIENCE = 2.0
"""Seconds after which the page goes on without a card; the card follows, or is a click away."""
CARD_PATIENCE = 10.0
"""The same for a card alone; the timeouts of the read path are shorter."""
SLOT = "<!--card-->"
"""Where a card belongs in the page's frame. What visitors and providers write is escaped, so it cannot forge one."""

OWN: tuple[type[PendingPlatforms | PendingPlan], ...] = (PendingPlatforms, PendingPlan)
"""The cards of the signed-in."""


@require_safe
def page(request: HttpRequest) -> HttpResponseBase:
    """The dashboard. Its frame is sent at once and each card as soon as it is read, in one response: there is
    something to see before the providers have answered, and nothing needs JavaScript.
    """
    choice, visitor = choice_of(request), visitor_of(request)
    decision = take_search(request, choice)
    platforms, plan = [[kind(choice, visitor.user_id)] if visitor.user_id is not None else [] for kind in OWN]
    # As they stand in the frame.
    cards = (PendingWeather(request, choice), *platforms, PendingNews(request, choice, decision), *plan)
    found = search(request.GET.get("q", ""), choice)
    context = {"choice": choice, "where": where(choice.place), "search": found, "slot": SLOT, "visitor": visitor}
    frame = render_to_string("dashboard/page.html", context, request)

    def parts() -> Iterator[str]:
        until = time.monotonic() + PAGE_PATIENCE
        before, *rest = frame.split(SLOT)
        yield before
        for card, following in zip(cards, rest, strict=True):
            yield card.html(until=until)
            yield following

    response = told(request, StreamingHttpResponse(parts()), decision)
    return _private(response, request, remembering=True)


@require_safe
def weather_fragment(request: HttpRequest) -> HttpResponseBase:
    """The weather card alone."""
    return _wrong_query(request) or _card(request, PendingWeather(request, choice_of(request)))


@require_safe
def news_fragment(request: HttpRequest) -> HttpResponseBase:
    """The news card alone."""
    if wrong := _wrong_query(request):
        return wrong
    choice = choice_of(request)
    decision = take_search(request, choice)
    return told(request, _card(request, PendingNews(request, choice, decision)), decision)


@require_safe
def platforms_fragment(request: HttpRequest) -> HttpResponseBase:
    """The card of the visitor's platforms alone."""
    return _own_card(request, PendingPlatforms)


@require_safe
def subscription_fragment(request: HttpRequest) -> HttpResponseBase:
    """The card of the visitor's subscription alone."""
    return _own_card(request, PendingPlan)


@require_safe
def places_fragment(request: HttpRequest) -> HttpResponseBase:
    """The places whose name begins with `q`; an empty list for an empty one."""
    choice = choice_of(request)
    found = search(request.GET.get("q", ""), choice)
    status = 400 if found and found.problem else 200
    response = render(request, "dashboard/places.html", {"choice": choice, "search": found}, status=status)
    return _private(response, request, remembering=False)


def _wrong_query(request: HttpRequest) -> HttpResponseBase | None:
    """The refusal of an address that no link of ours has."""
    try:
        check_query(request)
    except InvalidQuery as error:
        response = HttpResponse(str(error), status=400, content_type="text/plain; charset=utf-8")
        return _private(response, request, remembering=False)
    return None


def _card(request: HttpRequest, card: PendingWeather | PendingNews) -> HttpResponseBase:
    response = HttpResponse(card.html(until=time.monotonic() + CARD_PATIENCE, fragment=True))
    # A refresh by the clock must not undo what was chosen meanwhile in another tab.
    return _private(response, request, remembering="remember" in request.GET)


def _own_card(request: HttpRequest, kind: type[PendingPlatforms | PendingPlan]) -> HttpResponseBase:
    visitor = visitor_of(request)
    if not visitor.known:
        response = HttpResponse(status=503, headers={"Retry-After": "5"})
    elif visitor.user_id is None:  # signed out meanwhile: the page as a whole is another one now
        response = HttpResponse(status=204, headers={"HX-Refresh": "true"})
    else:
        card = kind(choice_of(request), visitor.user_id)
        response = HttpResponse(card.html(until=time.monotonic() + CARD_PATIENCE))
    return _private(response, request, remembering=False)


def _private(response: HttpResponseBase, request: HttpRequest, *, remembering: bool) -> HttpResponseBase:
    if remembering:
        remember(response, request, choice_of(request))
    response["Cache-Control"] = "private, no-cache"
    patch_vary_headers(response, ["Cookie"])
    return response
