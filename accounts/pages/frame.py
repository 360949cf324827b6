"""What the account's pages share: who may see them, who may keep them, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.pages.guard import guarded

View = Callable[..., HttpResponse]
"""It takes the request, and what the address names."""

PAGES = (("overview", "Overview"), ("password", "Password"), ("sessions", "Sessions"), ("api-keys", "API keys"))
"""The pages by the names of their routes, in the order in which they are listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """A page of the account; `present` is the one that is shown."""

    label: str
    address: str
    present: bool


def account_page(view: View) -> View:
    """A view for the signed-in, whose answers no shared cache keeps and no browser shows again without asking.
    A view that answers with a secret sets its own Cache-Control. What its forms send is guarded.
    """

    @wraps(view)
    def private(request: HttpRequest, **named: object) -> HttpResponse:
        response = signed_in(request, **named)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        patch_vary_headers(response, ["Cookie"])
        return response

    signed_in = guarded(login_required(require_http_methods(["GET", "HEAD", "POST"])(view)))
    return private


def user_of(request: HttpRequest) -> User:
    """The signed-in user of a request to an account page."""
    assert not isinstance(request.user, AnonymousUser), "account_page lets nobody else in"
    return request.user


def focus_first_error(form: BaseForm) -> None:
    """Have the browser go to the first field that is wrong: on a long page nobody else would see it."""
    wrong = next((field for field in form if field.errors), None)
    if wrong is None:
        return
    for field in form:
        field.field.widget.attrs.pop("autofocus", None)
    wrong.field.widget.attrs["autofocus"] = True


def show(request: HttpRequest, page: str, context: dict[str, Any]) -> HttpResponse:
    """The account's page `page`, a name of PAGES, with the links to all of them and perhaps a `form`."""
    if "form" in context:
        focus_first_error(context["form"])
    links = [PageLink(label=label, address=reverse(f"accounts:{name}"), present=name == page) for name, label in PAGES]
    template = f"accounts/{page.replace('-', '_')}.html"
    return render(request, template, {"pages": links, **context})
