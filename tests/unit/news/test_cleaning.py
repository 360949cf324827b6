"""Text, links and dates of providers, made harmless."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from news.cleaning import MAX_NAME, MAX_SUMMARY, MAX_TITLE, clean_link, clean_text, parse_date


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (None, ""),
        ("", ""),
        ("  plain \n text\t", "plain text"),
        ("<p>Hello <b>world</b>.</p>", "Hello world."),
        ("Q&amp;A: caf&eacute; &#8217;n&#x2019; bar", "Q&A: café \u2019n\u2019 bar"),
        ("&lt;p&gt;escaped &amp;amp; again&lt;/p&gt;", "escaped & again"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("I <3 you", "I <3 you"),
        ("a<br/>b<br>c", "a b c"),
        ("before<!-- hidden <b> -->after", "before after"),
        ("x<script>alert('1')</script>y", "x y"),
        ("x<STYLE type='a'>p {}</style >y", "x y"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;seen", "seen"),
        ("<scr<b>ipt>alert(1)", "alert(1)"),
        ("<\u200bb>x&lt;\u202ei&gt;", "x"),
        ("null\x00byte\x1b[31m\x7f\x85", "null byte [31m"),
        ("right\u202eto left\u202c \u200bhid\u00adden\ufeff", "rightto left hidden"),
        ("line\u2028and\u2029paragraph", "line and paragraph"),
        ("family \U0001f468\u200d\U0001f469", "family \U0001f468\u200d\U0001f469"),
        ("\ud800lone", "lone"),
        ("<img src=x onerror=alert(1)>", ""),
        ("Why <script> blocks", "Why blocks"),
        ("a<script>1</script>b<style>2</style>c<!-- 3 -->d<script>e", "a b c d e"),
        ("one <!-- two", "one <!-- two"),
    ],
)
def test_text_becomes_plain(text: str | None, plain: str) -> None:
    """Tags go, entities are read, controls vanish, ordinary signs stay."""
    assert clean_text(text, limit=100) == plain


def test_long_text_is_cut_at_a_word() -> None:
    """With an ellipsis, within the limit."""
    assert clean_text("one two three four", limit=13) == "one two…"
    assert clean_text("x" * 50, limit=10) == "x" * 9 + "…"
    assert clean_text("exactly ten", limit=11) == "exactly ten"


MARKUP = st.lists(
    st.sampled_from(
        ["<", ">", "</", "<!--", "-->", "script", "b", " ", "&lt;", "&gt;", "&amp;", "lt;", "\x00", "x", "="]
    )
).map("".join)


@given(st.one_of(st.text(), MARKUP), st.integers(min_value=2, max_value=80))
@example("<<b>script>alert(1)</script>", 50)
@example("&lt;<b>b&gt;", 50)
@example("<\u200bscript>", 50)
@example("&amp;lt;\u202eb&amp;gt;", 50)
def test_cleaned_text_is_plain_whatever_comes_in(text: str, limit: int) -> None:
    """Within the limit, on one line, without tags, controls and direction marks."""
    plain = clean_text(text, limit=limit)
    assert len(plain) <= limit
    assert plain == " ".join(plain.split())
    assert not re.search(r"<[a-zA-Z/!?][^<>]*>", plain)
    assert not any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in plain)
    assert not set(plain) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
    assert plain.encode() is not None


@pytest.mark.parametrize("piece", ["<!--", "<script>", "<style", "<", "<a", "&", "&#", "</script", "&lt;"])
def test_megabytes_of_markup_are_cut_before_they_are_searched(piece: str) -> None:
    """Some patterns take quadratic time, so what they see is bounded."""
    assert clean_text(piece * 300_000, limit=300) == clean_text((piece * 3000)[:2400], limit=300)


@pytest.mark.parametrize(
    "piece",
    ["<!--", "<script", "<script>", "<style ", "</script ", "<!--<script>", "<", "<a", "</", "&", "&#", "&lt;!--", " "],
)
def test_hostile_markup_costs_no_more_than_its_length(piece: str) -> None:
    """Where the time were quadratic, this would take minutes and end at the test's time limit."""
    length = 320_000
    assert len(clean_text((piece * length)[:length], limit=length // 8)) <= length // 8


@pytest.mark.parametrize("limit", [MAX_NAME, MAX_TITLE, MAX_SUMMARY])
@pytest.mark.parametrize("number", ["&#" + "9" * 10_000, "&amp;#" + "9" * 10_000, "&#x" + "f" * 10_000])
def test_a_character_of_a_huge_number_is_none(limit: int, number: str) -> None:
    """Python refuses to read numbers of more than 4300 digits; what is cut before is shorter."""
    assert clean_text(number, limit=limit) == "\ufffd"


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a?b=c#d",
        "http://example.org",
        "HTTPS://EXAMPLE.ORG/",
        "https://example.org:8443/x",
        "https://[2001:db8::1]/x",
        "https://münchen.example/straße",
        "  https://example.org/trimmed \n",
    ],
)
def test_web_addresses_are_kept(url: str) -> None:
    """As they are, trimmed."""
    assert clean_link(url) == url.strip()


@pytest.mark.parametrize(
    "url",
    [
        None,
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        " \x01javascript:alert(1)",
        "data:text/html,<script>",
        "vbscript:x",
        "ftp://example.org/",
        "file:///etc/passwd",
        "//example.org/x",
        "/relative",
        "relative",
        "example.org",
        "https:",
        "https://",
        "https:///path",
        "https:example.org",
        "http://:80/",
        "https://bank.example@evil.example/",
        "https://user:secret@example.org/",
        "https://example.org\\@evil.example",
        "https://exam ple.org/",
        "https://example.org/a b",
        "https://example.org/a\nb",
        "https://example.org/a\tb",
        "https://example.org/\u202egnp.exe",
        "https://example.org/\x00",
        "https://[::1",
        "https://example.org:99999/",
        "https://example.org:port/",
        "https://example.org:0/",
        "https://example.org/" + "x" * 2000,
    ],
)
def test_other_addresses_are_dropped(url: str | None) -> None:
    """Anything that runs, hides where it goes, or goes nowhere."""
    assert clean_link(url) is None


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("javascript:".__add__)))
def test_a_kept_link_is_always_http(url: str) -> None:
    """And printable, so that nothing in it changes what a reader sees."""
    link = clean_link(url)
    if link is not None:
        assert link.lower().startswith(("http://", "https://"))
        assert link.isprintable()
        assert " " not in link


SEVEN = datetime(2025, 9, 8, 7, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-09-08T07:00:00Z", SEVEN),
        ("2025-09-08T09:00:00+02:00", SEVEN),
        ("2025-09-08T07:00:00.000Z", SEVEN),
        ("2025-09-08T07:00:00", SEVEN),
        ("2025-09-08 07:00:00", SEVEN),
        ("2025-09-08", datetime(2025, 9, 8, tzinfo=UTC)),
        ("Mon, 08 Sep 2025 09:00:00 +0200", SEVEN),
        ("Mon, 08 Sep 2025 07:00:00 GMT", SEVEN),
    ],
)
def test_dates_are_read_in_the_forms_that_feeds_use(text: str, moment: datetime) -> None:
    """Always in UTC."""
    read = parse_date(text)
    assert read == moment
    assert read.utcoffset() is not None
    assert not read.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "yesterday",
        "0000-00-00T00:00:00Z",
        "2025-13-01",
        "0001-01-01T00:00:00+23:00",
        "9999-12-31T23:59:59-23:00",
    ],
)
def test_other_dates_are_none(text: str | None) -> None:
    """Also those that exist but not in UTC."""
    assert parse_date(text) is None


@given(st.text())
def test_any_text_is_a_date_in_utc_or_none(text: str) -> None:
    """Nothing is raised."""
    moment = parse_date(text)
    assert moment is None or moment.tzinfo is UTC
