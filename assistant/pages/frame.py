"""What the assistant's pages share: the way from one to the next."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.pages.frame import PageLink, focus_first_error

PAGES = (("chat", "Chat"), ("personas", "Personas"), ("documents", "Documents"))
"""The pages by the names of their routes, in the order in which they are listed."""


def show(request: HttpRequest, page: str, template: str, context: dict[str, Any]) -> HttpResponse:
    """The template `assistant/{template}.html`, under `page`, a name of PAGES, with the links to all of them."""
    if "form" in context:
        focus_first_error(context["form"])
    links = [PageLink(label=label, address=reverse(f"assistant:{name}"), present=name == page) for name, label in PAGES]
    return render(request, f"assistant/{template}.html", {"pages": links, **context})
