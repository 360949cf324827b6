"""One page of a platform's data, read by its definition. What comes from outside is cut, cleaned and doubted.
Pure functions."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cache_platform.exceptions import SourceMalformed
from connectors.definitions import DataApi, Provider
from connectors.models.extracted_item import LONGEST_ITEM_ID, LONGEST_TITLE
from connectors.platform_api import at

LONGEST_CURSOR = 500
LONGEST_LABEL = 60
MOST_LABELS = 20
MOST_PER_PAGE = 1000
MOST_ITEMS = 10_000
"""Of one extraction; what is beyond is not read."""
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Between these a time is plausible: calendars hold births and plans."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_SURPLUS = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing, as it is stored."""

    item_id: str
    title: str
    labels: tuple[str, ...]
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page: what it holds, where the next one begins (None: it was the last), and how many items the platform says
    there are in all."""

    items: tuple[Item, ...]
    next_cursor: str | None
    total: int | None


def page_params(data: DataApi, cursor: str) -> dict[str, str | int]:
    """The parameters that ask for the page at `cursor`; an empty one is the first."""
    params: dict[str, str | int] = {**data.params, data.size_param: data.page_size}
    if cursor or data.paging == "number":
        params[data.cursor_param] = cursor or 1
    return params


def read_page(provider: Provider, data: DataApi, body: Any, *, cursor: str) -> Page:  # noqa: ANN401  # any JSON
    """The page in decoded JSON that was asked for with `cursor`. An item without an id or a time is left out; Raises
    SourceMalformed when none can be used, or when the page itself is not as promised."""
    found = at(body, data.items)
    if not isinstance(found, list) or len(found) > MOST_PER_PAGE:
        raise SourceMalformed(provider.name, "the page holds no list of items, or too many of them")
    items = {item.item_id: item for each in found if (item := _item(data, each)) is not None}
    if found and not items:
        raise SourceMalformed(provider.name, "no item of the page has an id and a time")
    return Page(
        items=tuple(items.values()),
        next_cursor=_next(provider, data, body, cursor, len(found)),
        total=_total(data, body),
    )


def clean(text: object, *, limit: int) -> str:
    """`text` on one line, without what is not seen (controls, marks of direction), cut to `limit` characters; empty for
    anything but a text or a number."""
    if isinstance(text, bool) or not isinstance(text, str | int):
        return ""
    letters = "".join(map(_visible, str(text)[: limit * 4]))
    plain = " ".join(letters.split())
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def parse_time(text: object) -> datetime | None:
    """The moment in UTC: RFC 3339 with its offset, between EARLIEST and LATEST; None for anything else. A day alone, as
    calendars have them, is its noon."""
    if not isinstance(text, str):
        return None
    if _DAY.fullmatch(text):
        text = f"{text}T12:00:00Z"
    if not _TIME.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(_SURPLUS.sub(r"\1", text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if EARLIEST <= moment < LATEST else None


def _item(data: DataApi, value: object) -> Item | None:
    if not isinstance(value, dict):
        return None
    identity = _identity(at(value, data.item_id))
    happened_at = next(filter(None, (parse_time(at(value, path)) for path in data.item_time)), None)
    if identity is None or happened_at is None:
        return None
    titles = (clean(at(value, path), limit=LONGEST_TITLE) for path in data.item_title)
    return Item(
        item_id=identity,
        title=next(filter(None, titles), ""),
        labels=_labels(data, value),
        happened_at=happened_at,
    )


def _identity(value: object) -> str | None:
    """An id is used as it is or not at all: one that was cut or cleaned could be another's."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if 0 < len(text) <= LONGEST_ITEM_ID and text.isprintable() else None


def _labels(data: DataApi, value: object) -> tuple[str, ...]:
    texts = (clean(text, limit=LONGEST_LABEL).lower() for path in data.item_labels for text in _flat(at(value, path)))
    plain = (text.lstrip("# ") for text in texts)  # a channel or a hashtag says the same as its word
    return tuple(dict.fromkeys(filter(None, plain)))[:MOST_LABELS]


def _flat(value: object) -> Iterator[object]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, list):
            yield from (inner for inner in each if isinstance(inner, str))
        elif isinstance(each, str):
            yield each


def _next(provider: Provider, data: DataApi, body: object, cursor: str, count: int) -> str | None:
    if data.paging == "number":
        return str(int(cursor or 1) + 1) if count >= data.page_size else None
    found = at(body, data.next_cursor)
    if found is None or found == "":
        return None
    text = _cursor(found)
    if text is None:
        raise SourceMalformed(provider.name, "the cursor of the next page is none that can be used")
    if text == cursor:
        raise SourceMalformed(provider.name, "the cursor of the next page is that of this one")
    return text


def _cursor(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if len(text) <= LONGEST_CURSOR and text.isprintable() else None


def _total(data: DataApi, body: object) -> int | None:
    found = at(body, data.total) if data.total else None
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        return None
    return min(found, MOST_ITEMS)


def _visible(letter: str) -> str:
    kind = unicodedata.category(letter)
    if kind == "Cc" or kind[0] == "Z":
        return " "
    return "" if kind[0] == "C" else letter
