"""What the assistant's routes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from accounts.models import User
from assistant.exceptions import NotThere
from assistant.filters import LARGEST_ID, LONGEST_SEARCH, MOST_PAGES, ListFilter
from assistant.lists import PAGE_SIZE, BadQuery, ListQuery
from assistant.personas import usable_by
from assistant.rest.problems import exception_handler
from cache_platform.rest.foresight import Wanted
from cache_platform.rest.views import ExceptionHandler, PrivateCachedView

NO_SUCH_PERSONA = {"persona_id": ["There is no such persona."]}
PAGE = OpenApiParameter(
    "page",
    {"type": "integer", "minimum": 1, "maximum": MOST_PAGES, "default": 1},
    description=f"Of {PAGE_SIZE} items each",
)
WORDS = OpenApiParameter(
    "q",
    {"type": "string", "maxLength": LONGEST_SEARCH, "pattern": r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$"},
    description="Words, in either case",
)
MOMENT = {
    "anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}],
}
SINCE = [
    OpenApiParameter("created_after", MOMENT, description="A day or a time; from then on"),
    OpenApiParameter("created_before", MOMENT, description="A day or a time; before that"),
]
CREATED_AT = OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[201])


class AssistantView(PrivateCachedView):
    """For a user who is signed in."""

    def get_exception_handler(self) -> ExceptionHandler:
        """Problem responses, for what the assistant refuses too."""
        return exception_handler


class ListView(AssistantView):
    """A list, a page at a time."""

    filters: ClassVar[type[ListFilter]]

    def reads_ahead(self, user_id: int) -> Iterable[Wanted]:
        """The page that the address asks for; of an address that is wrong, none."""
        try:
            return [self.wanted(user_id, self.wish)]
        except BadQuery:
            return []

    def wanted(self, user_id: int, query: ListQuery) -> Wanted:
        """The entry of that page."""
        raise NotImplementedError

    @property
    def wish(self) -> ListQuery:
        """What the query string says. Raises BadQuery."""
        if not hasattr(self, "_wish"):
            self._wish = ListQuery.parse(self.filters, self.request.query_params)
        return self._wish


class PersonaIdField(serializers.IntegerField):
    """The number of a persona, or null."""

    def __init__(self) -> None:
        super().__init__(min_value=1, max_value=LARGEST_ID, allow_null=True, default=None)


def ordering(kind: type[ListFilter]) -> OpenApiParameter:
    """How the OpenAPI schema describes a list's `ordering`."""
    order = kind.base_filters["ordering"]
    return OpenApiParameter("ordering", str, enum=[each for each, _ in order.extra["choices"]], default=order.first)


def check_persona(user: User, persona_id: int | None) -> None:
    """Raises ValidationError for a persona that is not there, or that the user may not see."""
    if persona_id is not None and not usable_by(user, persona_id):
        raise ValidationError(NO_SUCH_PERSONA)


def persona_gone(persona_id: int | None) -> Exception:
    """What to raise when a row that names this persona could not be written: it, or the user, is gone."""
    return ValidationError(NO_SUCH_PERSONA) if persona_id is not None else NotThere()
