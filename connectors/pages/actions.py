"""What the page's forms do. Each ends in a redirect, so that loading the page anew sends nothing again."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.pages.frame import user_of
from connectors.authorizations import begin
from connectors.bindings import binding_of
from connectors.connections import NoConnection, disconnect, reset
from connectors.definitions import SLUG
from connectors.extraction import jobs
from connectors.pages.addresses import SeeOther, other_address
from connectors.pages.wording import disconnected_words
from connectors.providers import UnknownProvider, get_provider, name_of


def act(request: HttpRequest) -> HttpResponse:
    """Do what the form's `do` says, with the platform that `provider` names."""
    action = ACTIONS.get(request.POST.get("do", ""))
    if action is None:
        messages.error(request, "The form was not understood. Nothing was changed.")
        return _back()
    slug = request.POST.get("provider", "")
    return action(request, slug if SLUG.fullmatch(slug) else "")  # a database may refuse what is no name


def _connect(request: HttpRequest, slug: str) -> HttpResponse:
    """To the platform's consent page; from there the person comes back to the callback."""
    if other_address(request):
        messages.error(request, "From this address platforms cannot be connected.")
        return _back()
    try:
        provider = get_provider(slug)
    except UnknownProvider:
        messages.error(request, "That platform is not offered here.")
        return _back()
    binding = binding_of(request)
    if binding is None:
        messages.error(request, "Please sign in again before you connect a platform.")
        return _back()
    response = SeeOther(begin(user_id=user_of(request).pk, provider=provider, binding=binding))
    response["Cache-Control"] = "no-store"  # the address carries the state
    return response


def _disconnect(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        done = disconnect(user_of(request).pk, slug)
    except NoConnection:
        messages.info(request, "That platform was not connected.")
    else:
        messages.success(request, disconnected_words(name_of(slug), done))
    return _back()


def _extract(request: HttpRequest, slug: str) -> HttpResponse:
    """Begin an extraction; where one is under way, that one goes on."""
    try:
        jobs.request(user_of(request).pk, slug)
    except (NoConnection, UnknownProvider):
        messages.error(request, "That platform is not connected.")
    except jobs.NotWorking:
        messages.error(request, f"The connection with {name_of(slug)} does not work at present. Reconnect it first.")
    except jobs.NothingToExtract:
        messages.error(request, f"There is nothing to extract from {name_of(slug)}.")
    else:
        return _back(f"#platform-{slug}")
    return _back()


def _reset(request: HttpRequest, slug: str) -> HttpResponse:  # noqa: ARG001  # what all actions take
    ended = reset(user_of(request).pk).disconnected
    for done in ended:
        messages.success(request, disconnected_words(name_of(done.provider), done))
    if not ended:
        messages.info(request, "Nothing was connected.")
    return _back()


def _back(anchor: str = "") -> HttpResponse:
    return SeeOther(reverse("connectors:page") + anchor)


ACTIONS: dict[str, Callable[[HttpRequest, str], HttpResponse]] = {
    "connect": _connect,
    "disconnect": _disconnect,
    "extract": _extract,
    "reset": _reset,
}
