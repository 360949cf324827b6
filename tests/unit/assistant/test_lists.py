"""What lists are asked for: one text for equal wishes, and a clear word for what is not allowed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from assistant.filters import ConversationFilter, DocumentFilter, ListFilter, MessageFilter, PersonaFilter
from assistant.lists import BadQuery, ListQuery

KINDS = [ConversationFilter, DocumentFilter, MessageFilter, PersonaFilter]


def parsed(kind: type[ListFilter], query: str) -> ListQuery:
    """A query string."""
    return ListQuery.parse(kind, QueryDict(query))


EQUAL = [
    (PersonaFilter, "ordering=name&page=1", ["", "page=1", "page=01", "page=", "ordering=name", "unknown=1", "q=%20"]),
    (PersonaFilter, "active=true&ordering=name&page=2", ["active=true&page=2", "page=2&x=y&active=true"]),
    (PersonaFilter, "created_by=7&ordering=name&page=1", ["created_by=7", "created_by=007", "created_by=%207"]),
    (PersonaFilter, "created_by=system&ordering=name&page=1", ["created_by=system"]),
    (PersonaFilter, "ordering=name&page=1&q=Zo%C3%AB+B", ["q=Zo%C3%AB%20B", "q=Zoe%CC%88++B+"]),
    (
        ConversationFilter,
        "created_after=2026-01-31T00%3A00%3A00%2B00%3A00&ordering=-updated_at&page=1",
        ["created_after=2026-01-31", "created_after=2026-01-31T00:00:00Z", "created_after=2026-01-31T01:00:00%2B01:00"],
    ),
    (DocumentFilter, "ordering=size&page=1", ["ordering=size", "ordering=name&ordering=size"]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "queries"), EQUAL)
def test_equal_wishes_have_one_text(kind: type[ListFilter], text: str, queries: list[str]) -> None:
    """So that they share an entry."""
    assert {parsed(kind, query).text for query in queries} == {text}


BAD = [
    (PersonaFilter, {"active": "yes"}),
    (PersonaFilter, {"active": "True"}),
    (PersonaFilter, {"created_by": "ada"}),
    (PersonaFilter, {"created_by": "-1"}),
    (PersonaFilter, {"created_by": "²"}),
    (PersonaFilter, {"created_by": str(2**63)}),
    (PersonaFilter, {"created_by": "9" * 5000}),
    (PersonaFilter, {"ordering": "system_prompt"}),
    (PersonaFilter, {"ordering": "created_by__password"}),
    (PersonaFilter, {"ordering": "name,-name"}),
    (PersonaFilter, {"q": "x" * 101}),
    (PersonaFilter, {"q": "a\0b"}),
    (PersonaFilter, {"q": "a\x07b"}),
    (PersonaFilter, {"page": "0"}),
    (PersonaFilter, {"page": "-1"}),
    (PersonaFilter, {"page": "1001"}),
    (PersonaFilter, {"page": "one"}),
    (PersonaFilter, {"page": "1.5"}),
    (PersonaFilter, {"page": "9" * 5000}),
    (MessageFilter, {"ordering": "content"}),
    (ConversationFilter, {"created_after": "yesterday"}),
    (ConversationFilter, {"created_after": "2026-02-30"}),
    (ConversationFilter, {"created_before": "0001-01-01T00:00:00+14:00"}),
    (ConversationFilter, {"created_before": "9999-12-31T23:59:59-14:00"}),
    (DocumentFilter, {"created_after": "2026-01-01T25:00:00Z", "page": "x"}),
]


@pytest.mark.parametrize(("kind", "query"), BAD, ids=[str(query)[:60] for _, query in BAD])
def test_what_is_not_allowed_is_told_by_field(kind: type[ListFilter], query: dict[str, str]) -> None:
    """All that is wrong at once, without repeating it."""
    with pytest.raises(BadQuery) as refused:
        parsed(kind, urlencode(query))
    assert refused.value.errors.keys() == query.keys()
    assert all(len(text) < 200 for texts in refused.value.errors.values() for text in texts)


NAMES = ["active", "created_by", "q", "ordering", "page", "created_after", "created_before", "other"]
QUERIES = st.lists(st.tuples(st.sampled_from(NAMES), st.text(st.characters(exclude_categories=["Cs"]), max_size=40)))


@given(st.sampled_from(KINDS), QUERIES)
def test_any_query_is_parsed_or_refused(kind: type[ListFilter], query: list[tuple[str, str]]) -> None:
    """Never another error; what is parsed has a bounded text that parses to itself."""
    try:
        found = parsed(kind, urlencode(query))
    except BadQuery:
        return
    assert parsed(kind, found.text).text == found.text
    assert len(found.text) < 4000


@given(st.datetimes(timezones=st.timezones()))
def test_any_time_is_parsed_or_refused(moment: Any) -> None:
    """At the ends of the calendar too."""
    query = urlencode({"created_after": moment.isoformat()})
    try:
        found = parsed(DocumentFilter, query)
    except BadQuery:
        assert moment.year in {1, 9999}
        return
    assert parsed(DocumentFilter, found.text).text == found.text
