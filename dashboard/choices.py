"""What a visitor chose to see: the address says it, else the cookies that remember it, else the defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from cache_platform.exceptions import InvalidQuery
from news.queries import DEFAULT_CATEGORY, parse_category, parse_q
from weather.places import Place, get_place
from weather.queries import parse_units
from weather.schema import Units

T = TypeVar("T")

# Written out, because the table of places takes a second to read, and most visitors never need it.
DEFAULT_PLACE = Place(
    id=2950159,
    name="Berlin",
    country_code="DE",
    country="Germany",
    admin_area=None,
    latitude=52.52437,
    longitude=13.41053,
    population=3426354,
)
DEFAULT_UNITS: Units = "metric"
MAX_PLACE_DIGITS = 10
COOKIE_PREFIX = "dashboard_"
COOKIE_SECONDS = 365 * 24 * 3600


def parse_place(text: str) -> Place:
    """The place with that GeoNames number. Raises InvalidQuery."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_PLACE_DIGITS):
        raise InvalidQuery("place", "must be the number of a place")
    number = int(text)
    place = DEFAULT_PLACE if number == DEFAULT_PLACE.id else get_place(number)
    if place is None:
        raise InvalidQuery("place", "is not known")
    return place


PARSERS: dict[str, Callable[[str], Any]] = {
    "place": parse_place,
    "units": parse_units,
    "category": parse_category,
    "words": parse_q,
}
REMEMBERED = ("place", "units", "category")
"""What the next visit begins with; a search is for once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the cards show. `words` are those that headlines are searched for, none for all of them."""

    place: Place = DEFAULT_PLACE
    units: Units = DEFAULT_UNITS
    category: str = DEFAULT_CATEGORY
    words: str = ""

    def values(self) -> dict[str, str]:
        """As it is written in addresses and cookies, by name."""
        return {"place": str(self.place.id), "units": self.units, "category": self.category, "words": self.words}


def check_query(request: HttpRequest) -> None:
    """Raises InvalidQuery for the first part of the address that is not allowed; what is absent is."""
    for name, parse in PARSERS.items():
        if text := request.GET.get(name):
            parse(text)


def choice_of(request: HttpRequest) -> Choice:
    """What to show. What is not allowed, in the address or in a cookie, counts as absent."""
    return Choice(
        place=_first_valid(parse_place, _texts(request, "place"), DEFAULT_PLACE),
        units=_first_valid(parse_units, _texts(request, "units"), DEFAULT_UNITS),
        category=_first_valid(parse_category, _texts(request, "category"), DEFAULT_CATEGORY),
        words=_first_valid(parse_q, [request.GET.get("words")], ""),
    )


def remember(response: HttpResponseBase, request: HttpRequest, choice: Choice) -> None:
    """Keep what the address chose for the next visit, each part in a cookie of its own.

    One cookie for all would let two cards that answer at once undo each other's change.
    """
    for name in REMEMBERED:
        cookie, value = COOKIE_PREFIX + name, choice.values()[name]
        if _chosen(request, name) == value and request.COOKIES.get(cookie) != value:
            response.set_cookie(
                cookie, value, max_age=COOKIE_SECONDS, samesite="Lax", httponly=True, secure=request.is_secure()
            )


def _chosen(request: HttpRequest, name: str) -> str | None:
    text = request.GET.get(name)
    return text.lower() if text else None


def _texts(request: HttpRequest, name: str) -> Iterable[str | None]:
    return request.GET.get(name), request.COOKIES.get(COOKIE_PREFIX + name)


def _first_valid(parse: Callable[[str], T], texts: Iterable[str | None], default: T) -> T:
    for text in texts:
        if text:
            try:
                return parse(text)
            except InvalidQuery:
                continue
    return default
