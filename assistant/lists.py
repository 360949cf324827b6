"""One page of a list: what a client asked for, checked, and the rows that it gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import QueryDict

from assistant.filters import ListFilter

PAGE_SIZE = 20

M = TypeVar("M", bound=Model)


class BadQuery(ValueError):
    """Parameters whose values are not allowed. `errors` has what is wrong, by field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__("the query is not valid")
        self.errors = dict(errors)


@dataclass(frozen=True, kw_only=True)
class ListQuery:
    """A page of a list. `text` is the same for equal wishes, and stands in the entry's key."""

    text: str
    page: int
    filters: ListFilter

    @classmethod
    def parse(cls, kind: type[ListFilter], given: QueryDict) -> Self:
        """What the query string says. Raises BadQuery."""
        filters = kind(given, queryset=kind.model._default_manager.none())
        if filters.errors:
            raise BadQuery({name: [str(text) for text in texts] for name, texts in filters.errors.items()})
        cleaned = filters.form.cleaned_data
        page = cleaned["page"] or 1
        wishes = {name: _text(value) for name, value in cleaned.items() if value not in (None, "")}
        wishes["ordering"] = wishes.get("ordering", filters.filters["ordering"].first)
        return cls(text=urlencode(sorted({**wishes, "page": str(page)}.items())), page=page, filters=filters)

    def page_of(self, rows: QuerySet[M]) -> tuple[list[M], int]:
        """Those of `rows` that are on the page, and how many are on all pages; two queries."""
        found = self.filters.filter_queryset(rows)
        start = (self.page - 1) * PAGE_SIZE
        return list(found[start : start + PAGE_SIZE]), found.count()


def _text(value: Any) -> str:  # noqa: ANN401  # what a form's field gives
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, datetime) else str(value)
