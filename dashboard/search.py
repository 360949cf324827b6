"""The search for a place."""

from __future__ import annotations

from dataclasses import dataclass

from cache_platform.exceptions import InvalidQuery
from dashboard.choices import Choice
from dashboard.links import Link, link_to
from dashboard.wording import people
from weather.places import Place, search_places
from weather.queries import parse_place_query

LIMIT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place found, and the link that chooses it."""

    where: str
    people: str
    link: Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What was looked for and found. `problem` says what is wrong with the text."""

    text: str
    hits: list[Hit]
    problem: str = ""


def search(text: str, choice: Choice) -> Search | None:
    """The places for what a visitor typed; None when that is nothing."""
    if not text.strip():
        return None
    try:
        found = search_places(parse_place_query(text), LIMIT)
    except InvalidQuery as error:
        return Search(text="", hits=[], problem=f"The name of a place {error.message}.")
    return Search(text=text.strip(), hits=[_hit(place, choice) for place in found])


def where(place: Place) -> str:
    """The part of the country, where it is known, and the country."""
    return ", ".join(part for part in (place.admin_area, place.country) if part)


def _hit(place: Place, choice: Choice) -> Hit:
    link = link_to("weather", choice, "place", str(place.id), place.name)
    return Hit(where=where(place), people=people(place.population), link=link)
