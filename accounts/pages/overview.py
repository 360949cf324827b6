"""The account's first page: the profile and the subscription."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from accounts.models import Status
from accounts.pages.frame import account_page, show, user_of
from accounts.pages.profile import ProfileForm, profile_form
from accounts.pages.subscription import subscription_card
from accounts.pages.wording import source
from accounts.profiles import read_profile
from accounts.subscriptions import change_subscription, read_subscription


@account_page
def overview(request: HttpRequest) -> HttpResponse:
    """Both cards, from the cache. A form says by `do` what it wants changed."""
    if request.method != "POST":
        return _show(request)
    change = CHANGES.get(request.POST.get("do", ""))
    if change is None:
        messages.error(request, "The form was not understood. Nothing was changed.")
        return redirect("accounts:overview")
    return change(request)


def _show(request: HttpRequest, form: ProfileForm | None = None) -> HttpResponse:
    user_id = user_of(request).pk
    profile, subscription = read_profile(user_id=user_id), read_subscription(user_id=user_id)
    if profile.value is None or subscription.value is None:  # the user was deleted a moment ago
        raise Http404
    context = {
        "profile": profile.value,
        "profile_cached": profile.cached,
        "profile_source": source(profile),
        "form": form or profile_form(profile.value),
        "subscription": subscription_card(subscription.value, datetime.now(UTC)),
        "subscription_cached": subscription.cached,
        "subscription_source": source(subscription),
    }
    return show(request, "overview", context)


def _change_profile(request: HttpRequest) -> HttpResponse:
    user_id = user_of(request).pk
    profile = read_profile(user_id=user_id).value
    if profile is None:
        raise Http404
    form = profile_form(profile, request.POST.dict())
    if not form.is_valid() or not form.store(user_id):
        return _show(request, form)
    messages.success(request, "Your profile is saved.")
    return redirect("accounts:overview")


def _choose_plan(request: HttpRequest) -> HttpResponse:
    return _change_subscription(request, "Your plan is changed.", plan=request.POST.get("plan", ""))


def _cancel(request: HttpRequest) -> HttpResponse:
    return _change_subscription(request, "Your subscription is cancelled.", status=Status.CANCELLED)


def _resume(request: HttpRequest) -> HttpResponse:
    return _change_subscription(request, "Your subscription goes on.", status=Status.ACTIVE)


def _change_subscription(request: HttpRequest, done: str, **change: Any) -> HttpResponse:
    try:
        change_subscription(user_id=user_of(request).pk, **change)
    except ValidationError:
        messages.error(request, "That is not possible for this subscription. Nothing was changed.")
    else:
        messages.success(request, done)
    return redirect("accounts:overview")


CHANGES: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "profile": _change_profile,
    "plan": _choose_plan,
    "cancel": _cancel,
    "resume": _resume,
}
