"""What tests of the personas' and the documents' pages look at."""

from __future__ import annotations

from typing import Any

from assistant.models import Persona
from tests.integration.accounts.browser import Browser
from tests.integration.dashboard.markup import Element

PERSONAS = "/assistant/personas/"
DOCUMENTS = "/assistant/documents/"


def persona(of: Any = None, name: str = "Poet", **fields: Any) -> Persona:
    """Somebody's own; without somebody, for everybody."""
    return Persona.objects.create(name=name, created_by=of, **fields)


def cards(browser: Browser) -> dict[str, Element]:
    """The personas of the list by their names."""
    found = browser.page.all("li", class_="persona") + browser.page.all("li", class_="persona persona-inactive")
    return {next(each.text for each in card.walk() if each.name == "h3"): card for card in found}


def address(of: Persona) -> str:
    """Its page."""
    return f"{PERSONAS}{of.pk}/"


def limited(settings: Any, **limits: str) -> None:
    """Have these limits."""
    kept = {**settings.CACHE_PLATFORM["RATE_LIMITS"], **limits}
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "RATE_LIMITS": kept}
