"""What lists can be filtered and ordered by. Values that are not allowed are told by field, unknown names ignored."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, time
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_date, parse_datetime

from accounts.validators import validate_plain_text
from assistant.models import Conversation, Document, Message, Persona

Rows = QuerySet[Any, Any]

LONGEST_SEARCH = 100
MOST_PAGES = 1000
LARGEST_ID = 2**63 - 1
"""Of a BigAutoField; a database refuses larger numbers rather than not finding them."""


class WordsField(forms.CharField):
    """What is searched for, in one spelling (NFC, single spaces)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_SEARCH, validators=[validate_plain_text], **kwargs)

    def to_python(self, value: Any) -> str:  # noqa: ANN401  # Django's signature
        """See above."""
        return " ".join(unicodedata.normalize("NFC", super().to_python(value) or "").split())


class MomentField(forms.Field):
    """A day (its beginning in UTC) or a time by ISO 8601; without an offset, in UTC."""

    def to_python(self, value: Any) -> datetime | None:  # noqa: ANN401  # Django's signature
        """In UTC. Raises ValidationError."""
        if not value:
            return None
        try:
            moment = parse_datetime(value)
            if moment is None and (day := parse_date(value)):
                moment = datetime.combine(day, time(), UTC)
            if moment is not None:
                return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise ValidationError("must be a day or a time, as in 2026-01-31 or 2026-01-31T12:00:00Z")


class CreatorField(forms.CharField):
    """A user's number, or `system`."""

    def to_python(self, value: Any) -> str:  # noqa: ANN401  # Django's signature
        """`system`, the number without leading zeros, or empty. Raises ValidationError."""
        text = str(super().to_python(value) or "")
        if text in {"", "system"}:
            return text
        if text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID:
            return str(int(text))
        raise ValidationError("must be a user's number, or system")


class MomentFilter(django_filters.Filter):  # type: ignore[misc]  # it has no types
    """By a MomentField."""

    field_class = MomentField


class WordsFilter(django_filters.Filter):  # type: ignore[misc]  # it has no types
    """Rows one of whose `fields` holds the words, in either case."""

    field_class = WordsField

    def __init__(self, *fields: str) -> None:
        super().__init__()
        self._fields = fields

    def filter(self, rows: Rows, value: str) -> Rows:
        """See above."""
        if not value:
            return rows
        found = Q()
        for field in self._fields:
            found |= Q(**{f"{field}__icontains": value})
        return rows.filter(found)


class OrderFilter(django_filters.ChoiceFilter):  # type: ignore[misc]  # it has no types
    """By one of `choices`, downwards with a minus before it; rows that are equal by it stand in the order of their
    numbers. The first choice is the order of a list without a wish. `column` is what to order by in the place of it."""

    def __init__(self, *choices: str, column: str = "") -> None:
        self.first = choices[0]
        self._column = column
        message = f"must be one of {', '.join(choices)}"
        super().__init__(choices=[(each, each) for each in choices], error_messages={"invalid_choice": message})

    def filter(self, rows: Rows, value: str) -> Rows:
        """See above."""
        order = value or self.first
        sign = "-" if order.startswith("-") else ""
        return rows.order_by(sign + (self._column or order.removeprefix("-")), f"{sign}pk")


class CreatorFilter(django_filters.Filter):  # type: ignore[misc]  # it has no types
    """Rows that a user made, or the system-wide ones."""

    field_class = CreatorField

    def filter(self, rows: Rows, value: str) -> Rows:
        """See above."""
        if not value:
            return rows
        return rows.filter(created_by=None) if value == "system" else rows.filter(created_by_id=int(value))


class PageFilter(django_filters.Filter):  # type: ignore[misc]  # it has no types
    """The number of a page. It filters nothing: the pages are cut when all else is done."""

    field_class = forms.IntegerField

    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=MOST_PAGES)

    def filter(self, rows: Rows, value: int | None) -> Rows:  # noqa: ARG002  # its signature
        """All of them."""
        return rows


class ListFilter(django_filters.FilterSet):  # type: ignore[misc]  # it has no types
    """What every list has. The order in which filters stand is that in which they work."""

    model: type[Model]

    page = PageFilter()


class PersonaFilter(ListFilter):
    """Personas by whether they are active, by who made them, and by words."""

    model = Persona

    active = django_filters.TypedChoiceFilter(
        field_name="is_active",
        choices=[("true", "true"), ("false", "false")],
        coerce=lambda text: text == "true",
        error_messages={"invalid_choice": "must be true or false"},
    )
    created_by = CreatorFilter()
    q = WordsFilter("name", "description")
    ordering = OrderFilter("name", "-name", "created_at", "-created_at", "updated_at", "-updated_at")


class ConversationFilter(ListFilter):
    """Conversations by words in their titles, and by when they began."""

    model = Conversation

    q = WordsFilter("title")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    ordering = OrderFilter("-updated_at", "updated_at", "-created_at", "created_at", "title", "-title")


class MessageFilter(ListFilter):
    """Messages, in their order or the last ones first."""

    model = Message

    # Numbers are given under the conversation's lock; times may come from different clocks.
    ordering = OrderFilter("created_at", "-created_at", column="pk")


class DocumentFilter(ListFilter):
    """Documents by words in their names, and by when they were added."""

    model = Document

    q = WordsFilter("name")
    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
    ordering = OrderFilter("-created_at", "created_at", "name", "-name", "size", "-size")
