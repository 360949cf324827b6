"""The addresses behind the page's links: the whole page for browsers without JavaScript, a card alone for htmx."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.choices import Choice

CARD_PARTS = {"weather": ("place", "units"), "news": ("category", "words")}
"""The parts of a choice that each card depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Something to choose. `page` and `card` are the addresses of the page and of the card with it chosen."""

    value: str
    label: str
    page: str
    card: str
    chosen: bool = False


def page_url(choice: Choice, **changes: str) -> str:
    """The page for `choice` with `changes`."""
    return f"{reverse('dashboard')}?{_query({**choice.values(), **changes})}"


def card_url(card: Literal["weather", "news"], choice: Choice, **changes: str) -> str:
    """One card for `choice` with `changes`."""
    values = {**choice.values(), **changes}
    return f"{reverse(f'dashboard-{card}')}?{_query({part: values[part] for part in CARD_PARTS[card]})}"


def link_to(card: Literal["weather", "news"], choice: Choice, part: str, value: str, label: str) -> Link:
    """A link that chooses `value` for `part` of the choice; following it is remembered."""
    change = {part: value}
    return Link(
        value=value,
        label=label,
        page=page_url(choice, **change),
        card=f"{card_url(card, choice, **change)}&remember=1",
        chosen=choice.values()[part] == value,
    )


def _query(values: dict[str, str]) -> str:
    return urlencode({part: value for part, value in values.items() if value})
