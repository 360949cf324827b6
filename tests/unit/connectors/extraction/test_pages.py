"""Reading a page by its definition, whatever a platform sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cache_platform.exceptions import SourceMalformed
from connectors.definitions import DataApi, Provider
from connectors.extraction.pages import (
    LONGEST_CURSOR,
    MOST_ITEMS,
    MOST_LABELS,
    MOST_PER_PAGE,
    Page,
    clean,
    page_params,
    parse_time,
    read_page,
)
from connectors.providers import definitions

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def provider(slug: str) -> tuple[Provider, DataApi]:
    """A definition and its data."""
    found = definitions()[slug]
    assert found.data is not None
    return found, found.data


def page(slug: str, body: Any, cursor: str = "") -> Page:
    """What is read of `body`."""
    found, data = provider(slug)
    return read_page(found, data, body, cursor=cursor)


def message(**fields: Any) -> dict[str, Any]:
    """A message as chirper sends it."""
    return {"id": "m1", "sent_at": "2026-05-01T12:00:00Z", "text": "Hello", "channel": "#food", "topics": [], **fields}


def chirper(*items: Any, **fields: Any) -> Page:
    """A page of chirper."""
    return page("chirper", {"messages": list(items), "next_cursor": None, **fields})


def test_a_play_is_read() -> None:
    """Labels come through lists, in lower case, each once."""
    track = {
        "name": "Violet no. 5",
        "artists": [{"name": "Night Ferry"}, {"name": "NIGHT FERRY"}],
        "album": {"genres": ["Jazz", "indie"]},
    }
    body = {
        "items": [{"id": "p1", "played_at": "2026-05-01T14:00:00+02:00", "track": track}],
        "cursors": {"before": "abc"},
        "total": 300,
    }
    found = page("tunebox", body)
    (item,) = found.items
    assert (item.item_id, item.title, item.happened_at) == ("p1", "Violet no. 5", NOON)
    assert item.labels == ("night ferry", "jazz", "indie")
    assert (found.next_cursor, found.total) == ("abc", 300)


def test_a_day_without_a_time_is_its_noon() -> None:
    """Calendars hold events of whole days."""
    (item,) = page("daybook", {"items": [{"id": "e1", "summary": "Market", "start": {"date": "2026-05-01"}}]}).items
    assert item.happened_at == NOON


def test_a_number_is_an_id_and_a_short_page_is_the_last() -> None:
    """GitHub numbers its repositories, and its list is the body itself."""
    row = {"id": 7, "full_name": "ada/loom", "language": "Rust", "topics": ["api"], "pushed_at": "2026-05-01T12:00:00Z"}
    found = page("codeyard", [row])
    assert found.items[0].item_id == "7"
    assert found.items[0].labels == ("rust", "api")
    assert found.next_cursor is None
    rows = [{**row, "id": number} for number in range(50)]
    assert page("codeyard", rows).next_cursor == "2"
    assert page("codeyard", rows, "2").next_cursor == "3"
    assert page("codeyard", [], "4") == Page(items=(), next_cursor=None, total=None)


def test_the_parameters_that_ask_for_a_page() -> None:
    """The first page has no cursor, but a number."""
    assert page_params(provider("chirper")[1], "") == {"limit": 50}
    assert page_params(provider("chirper")[1], "c") == {"limit": 50, "cursor": "c"}
    assert page_params(provider("codeyard")[1], "") == {"per_page": 50, "page": 1}
    assert page_params(provider("daybook")[1], "t") == {"singleEvents": "true", "maxResults": 50, "pageToken": "t"}


@pytest.mark.parametrize(
    "body",
    [None, [], "text", 5, {}, {"messages": None}, {"messages": {}}, {"messages": [{}] * (MOST_PER_PAGE + 1)}],
    ids=["null", "list", "text", "number", "empty", "no list", "object", "too many"],
)
def test_what_holds_no_list_is_malformed(body: Any) -> None:
    """Whatever JSON it is, and a list that is too long."""
    with pytest.raises(SourceMalformed):
        page("chirper", body)


@pytest.mark.parametrize(
    "broken",
    [
        message(id=None),
        message(id=""),
        message(id="x" * 201),
        message(id="a\x00b"),
        message(id=True),
        message(id=1.5),
        message(id={"a": 1}),
        message(sent_at=None),
        message(sent_at="yesterday"),
        message(sent_at="2026-05-01T12:00:00"),
        message(sent_at=1714561200),
        "text",
        None,
        [],
    ],
)
def test_an_item_that_cannot_be_used_is_left_out(broken: Any) -> None:
    """The others stay; a page of nothing else is malformed."""
    assert [item.item_id for item in chirper(broken, message(id="good")).items] == ["good"]
    with pytest.raises(SourceMalformed):
        chirper(broken)


def test_an_item_that_comes_twice_on_a_page_counts_once() -> None:
    """By its id."""
    assert len(chirper(message(), message(), message(id="m2")).items) == 2


@pytest.mark.parametrize(
    ("cursor", "expected"), [(None, None), ("", None), (17, "17"), ("x" * LONGEST_CURSOR, "x" * LONGEST_CURSOR)]
)
def test_cursors_that_can_be_used(cursor: Any, expected: str | None) -> None:
    """A number is one too; none and an empty one end the list."""
    assert chirper(message(), next_cursor=cursor).next_cursor == expected


@pytest.mark.parametrize("cursor", ["x" * (LONGEST_CURSOR + 1), "a\nb", "a\x00", True, 1.5, ["a"], {"a": 1}])
def test_cursors_that_cannot_be_used_are_malformed(cursor: Any) -> None:
    """Too long, not printable, or no text at all."""
    with pytest.raises(SourceMalformed):
        chirper(message(), next_cursor=cursor)


def test_a_page_that_names_its_own_cursor_is_malformed() -> None:
    """It would be read for ever."""
    with pytest.raises(SourceMalformed):
        page("chirper", {"messages": [message()], "next_cursor": "same"}, "same")


@pytest.mark.parametrize(
    ("total", "expected"),
    [(300, 300), (0, 0), (10**30, MOST_ITEMS), (-1, None), (True, None), ("300", None), (3.5, None)],
)
def test_a_total_is_a_number_that_is_possible(total: Any, expected: int | None) -> None:
    """Anything else is not known."""
    assert chirper(message(), total=total).total == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\r\n\tlines ", "two lines"),
        ("nul\x00and\x1b[31mred", "nul and [31mred"),
        ("evil\u202egpj.exe", "evilgpj.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("x" * 20, "x" * 9 + "…"),
        ("Ærø 東京", "Ærø 東京"),
        (42, "42"),
        (None, ""),
        (True, ""),
        (["a"], ""),
        ({"a": 1}, ""),
    ],
)
def test_text_is_cleaned_and_cut(text: Any, expected: str) -> None:
    """To one line of visible letters."""
    assert clean(text, limit=10 if text == "x" * 20 else 40) == expected


def test_the_first_title_that_says_something_counts() -> None:
    """An item without any is stored without one."""
    row = {"id": 1, "full_name": "\u200b", "name": "loom", "pushed_at": "2026-05-01T12:00:00Z"}
    assert page("codeyard", [row]).items[0].title == "loom"
    assert chirper(message(text=None)).items[0].title == ""


def test_a_channel_and_its_topic_are_one_label() -> None:
    """Without the sign in front."""
    assert chirper(message(channel="#Food", topics=["food", "#", "# slow cooking"])).items[0].labels == (
        "food",
        "slow cooking",
    )


def test_labels_are_bounded() -> None:
    """In number and in length; what is no text is none."""
    labels = chirper(message(channel=None, topics=["x" * 500, 5, None, ["deep"], *map(str, range(50))])).items[0].labels
    assert len(labels) == MOST_LABELS
    assert len(labels[0]) == 60
    assert labels[1:3] == ("deep", "0")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01T12:00:00Z", NOON),
        ("2026-05-01T14:00:00.000000000+02:00", NOON),
        ("2026-05-01", NOON),
        ("2026-05-01T12:00:00", None),
        ("2026-05-01 12:00:00Z", None),
        ("2026-13-01T12:00:00Z", None),
        ("2026-02-30", None),
        ("1899-12-31T23:59:59Z", None),
        ("2100-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+23:59", None),
        ("\uff12026-05-01T12:00:00Z", None),
        ("2026-W18-5", None),
        ("", None),
        (None, None),
        (1777636800, None),
    ],
)
def test_times_are_read_strictly(text: Any, expected: datetime | None) -> None:
    """RFC 3339 with an offset, in a plausible year."""
    assert parse_time(text) == expected
