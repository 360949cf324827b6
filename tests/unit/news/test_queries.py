"""What clients may ask of the news."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cache_platform.exceptions import InvalidQuery
from news.queries import CATEGORIES, COUNTRIES, normalise, parse_category, parse_country, parse_page, parse_q


def test_what_is_absent_has_a_default() -> None:
    """An empty value counts as absent."""
    assert parse_category(None) == parse_category("") == "general"
    assert parse_country(None) == parse_country("") == "us"
    assert parse_q(None) == parse_q("") == parse_q("  ") == ""
    assert parse_page(None) == parse_page("") == 1


def test_the_lists_are_those_of_newsapi() -> None:
    """Seven categories, 54 countries."""
    assert len(CATEGORIES) == 7
    assert len(COUNTRIES) == 54


@pytest.mark.parametrize("category", CATEGORIES)
def test_categories_are_taken_in_any_case(category: str) -> None:
    """One spelling becomes the key."""
    assert parse_category(category.upper()) == category


@pytest.mark.parametrize("country", COUNTRIES)
def test_countries_are_taken_in_any_case(country: str) -> None:
    """One spelling becomes the key."""
    assert parse_country(country.upper()) == country


@pytest.mark.parametrize("text", ["politics", " general", "general\x00", "x" * 10_000])
def test_other_categories_are_refused(text: str) -> None:
    """The field is named, and what is allowed."""
    with pytest.raises(InvalidQuery, match="technology") as caught:
        parse_category(text)
    assert caught.value.field == "category"


@pytest.mark.parametrize("text", ["xx", "usa", "u", "us ", "\uff35\uff33"])
def test_other_countries_are_refused(text: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidQuery) as caught:
        parse_country(text)
    assert caught.value.field == "country"


@pytest.mark.parametrize(
    ("text", "q"),
    [
        ("  Climate\t Change\n", "climate change"),
        ("CAF\u00c9", "caf\u00e9"),
        ("cafe\u0301", "caf\u00e9"),
        ("\uff21\uff22\u3000\uff23", "ab c"),
        ("\ufb01sh", "fish"),
        ("x" * 100, "x" * 100),
    ],
)
def test_search_words_have_one_spelling(text: str, q: str) -> None:
    """Equal searches share a key."""
    assert parse_q(text) == q


@pytest.mark.parametrize("text", ["x" * 101, "x" * 10_000_000, "\ufdfa" * 50, "a\x00b", "a\x1bb", "\ud800"])
def test_other_search_words_are_refused(text: str) -> None:
    """Too long, also once normalised, or with controls."""
    with pytest.raises(InvalidQuery) as caught:
        parse_q(text)
    assert caught.value.field == "q"


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    """A key made from a key is that key."""
    assert normalise(normalise(text)) == normalise(text)


@given(st.text())
def test_any_text_is_search_words_or_an_invalid_query(text: str) -> None:
    """Bounded, encodable, on one line."""
    try:
        q = parse_q(text)
    except InvalidQuery:
        return
    assert len(q) <= 100
    assert q == " ".join(q.split())
    assert q.encode() is not None


@pytest.mark.parametrize(("text", "page"), [("1", 1), ("5", 5), ("03", 3)])
def test_pages_from_one_to_five_are_taken(text: str, page: int) -> None:
    """The hundred articles that the providers' free plans give."""
    assert parse_page(text) == page


@pytest.mark.parametrize("text", ["0", "6", "-1", "1.0", "²", "٣", "1 ", "999999999999", "9" * 5000])
def test_other_pages_are_refused(text: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidQuery) as caught:
        parse_page(text)
    assert caught.value.field == "page"
