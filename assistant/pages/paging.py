"""The pages of a list: which one is shown, and the ways to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass

from django.http import QueryDict

from assistant.lists import PAGE_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class Pager:
    """The ways from page `page` of `pages`. `before` and `after` are addresses, empty where there is no such page;
    `beyond` is whether the list has ended before this page."""

    page: int
    pages: int
    before: str
    after: str
    beyond: bool


def pager(given: QueryDict, *, page: int, total: int) -> Pager:
    """The ways from page `page` of a list of `total` items that the query `given` asked for."""
    pages = max(1, math.ceil(total / PAGE_SIZE))
    return Pager(
        page=page,
        pages=pages,
        before=_address(given, min(page - 1, pages)) if page > 1 else "",
        after=_address(given, page + 1) if page < pages else "",
        beyond=page > pages,
    )


def _address(given: QueryDict, page: int) -> str:
    query = given.copy()
    query["page"] = str(page)
    return f"?{query.urlencode()}"
