"""The newspapers print stable, dated, readable articles."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import hackernews
from sandbox.countries import countries
from sandbox.newswire import CATEGORIES, HEADLINE_HOURS, HOUR, articles, published_in, stories
from sandbox.queries import matcher

NOW = 1_757_332_800
MOMENTS = st.integers(1_700_000_000, 2_000_000_000)


@pytest.fixture(scope="module")
def printed():
    """Return a week of articles of all categories in eight countries."""
    return articles(["us", "gb", "de", "fr", "in", "au", "br", "za"], CATEGORIES, now=NOW, hours=168)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(countries())), st.sampled_from(CATEGORIES), MOMENTS)
def test_headlines_are_newest_first_recent_and_never_from_the_future(code, category, now):
    """Every article is dated within the two days before now, and the newest leads."""
    found = articles([code], [category], now=now, hours=HEADLINE_HOURS)
    dates = [article.published for article in found]
    assert dates == sorted(dates, reverse=True)
    assert all(now - HEADLINE_HOURS * HOUR - HOUR < date <= now for date in dates)
    assert 20 <= len(found) <= 96
    assert all(article.category == category for article in found)


@settings(max_examples=40, deadline=None)
@given(MOMENTS, st.integers(0, 6 * HOUR))
def test_articles_never_change_and_new_ones_only_come_on_top(now, later):
    """What is listed now is in the later list unchanged, below the new ones, but for what grew too old."""
    before = articles(["us"], ["science"], now=now, hours=HEADLINE_HOURS)
    after = articles(["us"], ["science"], now=now + later, hours=HEADLINE_HOURS)
    kept = [article for article in before if article in after]
    assert after[len(after) - len(kept) :] == kept
    assert all(article.published > now for article in after[: len(after) - len(kept)])


def test_recomputed_articles_are_equal():
    """Nothing depends on what is remembered."""
    before = published_in("us", "sports", NOW // HOUR)
    published_in.cache_clear()
    assert published_in("us", "sports", NOW // HOUR) == before


def test_no_placeholder_or_wrong_article_is_left_in_a_text(printed):
    """Every slot is filled, titles begin with a capital, and `a` never precedes a vowel."""
    for article in printed:
        for text in (article.title, article.description or ""):
            assert "{" not in text
            assert not re.search(r"\ba [aeio]", text), text
        assert article.title[0] == "[" or not article.title[0].islower()


@pytest.mark.parametrize("code", ["us", "de", "in"])
def test_a_headline_is_hardly_ever_repeated(code):
    """Of a country's sound titles of two days nine in ten are unique."""
    found = articles([code], CATEGORIES, now=NOW, hours=HEADLINE_HOURS)
    titles = Counter(article.title for article in found if article.title != "[Removed]")
    assert len(titles) > 0.9 * titles.total()


def test_addresses_are_unique_and_lead_nowhere_real(printed):
    """Sound links are https on a reserved domain, and no two articles share one."""
    links = [a.url for a in printed if not a.url.startswith("javascript:") and "removed" not in a.url]
    assert all(re.fullmatch(r"https://[a-z0-9-]+\.news\.example/[a-z]+/[a-z0-9-]+", link) for link in links)
    assert len(set(links)) == len(links)


def test_every_nasty_kind_occurs_but_rarely(printed):
    """Null fields, entities, scripts, script links and withdrawn articles are there, each below one in ten."""
    kinds = {
        "author": [a for a in printed if a.author is None],
        "description": [a for a in printed if a.description is None],
        "entities": [a for a in printed if "&amp;" in a.title],
        "script": [a for a in printed if "<script>" in a.title],
        "link": [a for a in printed if a.url.startswith("javascript:")],
        "removed": [a for a in printed if a.title == "[Removed]"],
    }
    for kind, found in kinds.items():
        assert 0 < len(found) < len(printed) / 10, kind
    assert any(a.image for a in printed)
    assert any(a.image is None for a in printed)


def test_each_country_writes_about_itself():
    """The cities in the titles are those of the country asked for."""
    text = " ".join(article.title for article in articles(["fr"], ["sports"], now=NOW, hours=168))
    assert any(city in text for city in countries()["fr"].cities)
    assert "Berlin" not in text


def test_an_unknown_country_prints_nothing():
    """No country, no news."""
    assert articles(["xx"], CATEGORIES, now=NOW, hours=168) == []


def test_each_category_has_enough_templates():
    """Ten or more for each, so that a page does not repeat itself."""
    assert all(len(stories()[category]) >= 10 for category in CATEGORIES)


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("climate", "Voters back climate plan", True),
        ("CLIMATE", "Voters back climate plan", True),
        ("mate", "Voters back climate plan", False),
        ("vote plan", "Voters back climate plan", True),
        ("vote war", "Voters back climate plan", False),
        ("war OR plan", "Voters back climate plan", True),
        ('"climate plan"', "Voters back climate plan", True),
        ('"back plan"', "Voters back climate plan", False),
        ("plan -climate", "Voters back climate plan", False),
        ("plan NOT housing", "Voters back climate plan", True),
        ("+plan AND voters", "Voters back climate plan", True),
        ("c++ (", "All about C++", True),
        ("", "anything", True),
    ],
)
def test_queries_match_as_the_providers_do(query, text, found):
    """Words begin words, phrases stay together, exclusions exclude."""
    assert matcher(query)(text) is found


@settings(max_examples=20, deadline=None)
@given(MOMENTS)
def test_listed_stories_exist_and_are_ordered(now):
    """Every id of a list is an item; new ones lead the new list, high scores the best list."""
    new, best = hackernews.ranked("new", now=now), hackernews.ranked("best", now=now)
    top = hackernews.ranked("top", now=now)
    assert len(new) == len(top) == 500
    assert len(best) == 200
    assert new == sorted(new, reverse=True)
    items = [hackernews.item_at(number, now=now) for number in best]
    points = [item.get("score", 0) for item in items if item is not None]
    assert len(points) == 200
    assert max(points[:3]) >= max(points[-3:])


@settings(max_examples=15, deadline=None)
@given(MOMENTS)
def test_a_story_has_the_fields_of_the_real_site(now):
    """Stories carry their fields; only questions lack a link, deleted ones lack nearly all."""
    for number in hackernews.ranked("new", now=now)[:40]:
        item = hackernews.item_at(number, now=now)
        assert item is not None
        assert item["id"] == number
        assert item["time"] <= now
        if item.get("deleted"):
            continue
        assert item.keys() - {"url"} == {"by", "descendants", "id", "score", "time", "title", "type"}
        assert ("url" in item) != str(item["title"]).startswith("Ask HN")


def test_an_id_that_is_no_story_yet_is_nothing():
    """The future, the past before the first id and ids between stories are null."""
    newest = NOW // 60 + hackernews.FIRST_ID
    assert hackernews.item_at(newest + 100, now=NOW) is None
    assert hackernews.item_at(1, now=NOW) is None
    assert any(hackernews.item_at(newest - step, now=NOW) is None for step in range(40))
