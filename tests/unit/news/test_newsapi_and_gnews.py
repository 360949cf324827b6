"""NewsAPI and GNews: two wire formats, one kind of headlines."""

from __future__ import annotations

from datetime import UTC, datetime
from types import ModuleType
from typing import Any

import httpx
import pytest

from cache_platform.exceptions import SourceMalformed, SourceRateLimited, SourceRefused, SourceUnavailable
from news import gnews, newsapi
from news.schema import Headlines
from tests.unit.provider_double import answering

ARTICLE: dict[str, Any] = {
    "source": {"id": "a-paper", "name": "A Paper"},
    "author": "Ada Writer",
    "title": "Something happened - A Paper",
    "description": "It <b>did</b>.",
    "url": "https://paper.example/1",
    "urlToImage": "https://paper.example/1.jpg",
    "image": "https://paper.example/1.jpg",
    "publishedAt": "2025-09-08T07:00:00Z",
    "content": "It did. [+1234 chars]",
}


def body(provider: ModuleType, articles: Any, total: Any = 38) -> dict[str, Any]:
    if provider is newsapi:
        return {"status": "ok", "totalResults": total, "articles": articles}
    return {"totalArticles": total, "articles": articles}


def load(provider: ModuleType, response: httpx.Response, *, q: str = "", page: int = 1) -> Headlines:
    with provider.source.through(answering(response)):
        return provider.load_headlines("science", "de", q, page)


def load_articles(provider: ModuleType, *articles: Any) -> Headlines:
    return load(provider, httpx.Response(200, json=body(provider, list(articles))))


@pytest.fixture(params=[newsapi, gnews], ids=["newsapi", "gnews"])
def provider(request: pytest.FixtureRequest) -> ModuleType:
    return request.param


def test_an_article_is_read(provider: ModuleType) -> None:
    """Cleaned, dated, credited, without its image."""
    headlines = load_articles(provider, ARTICLE)
    article = headlines.articles[0]
    assert article.title == "Something happened"
    assert article.url == "https://paper.example/1"
    assert article.source == "A Paper"
    assert article.summary == "It did."
    assert article.published == datetime(2025, 9, 8, 7, 0, tzinfo=UTC)
    assert headlines.total == 38
    assert headlines.source == provider.NAME
    assert headlines.attribution_url.startswith("https://")
    assert ".jpg" not in repr(headlines)


def test_only_newsapi_names_authors() -> None:
    """GNews has none."""
    assert load_articles(newsapi, ARTICLE).articles[0].author == "Ada Writer"
    assert load_articles(gnews, ARTICLE).articles[0].author == ""


def test_newsapi_is_asked_as_it_documents(settings: Any) -> None:
    """The key travels in a header, never in the address."""
    settings.PROVIDERS, settings.NEWS_API_KEY, settings.NEWS_URL = "live", "s3cret", None
    requests: list[httpx.Request] = []
    with newsapi.source.through(answering(httpx.Response(200, json=body(newsapi, [])), requests=requests)):
        newsapi.load_headlines("science", "de", "mars rover", 2)
    assert str(requests[0].url) == (
        "https://newsapi.org/v2/top-headlines?country=de&category=science&pageSize=20&page=2&q=mars+rover"
    )
    assert requests[0].headers["X-Api-Key"] == "s3cret"


def test_gnews_is_asked_as_it_documents(settings: Any) -> None:
    """The key travels in a header, never in the address."""
    settings.PROVIDERS, settings.NEWS_API_KEY, settings.NEWS_URL = "live", "s3cret", None
    requests: list[httpx.Request] = []
    with gnews.source.through(answering(httpx.Response(200, json=body(gnews, [])), requests=requests)):
        gnews.load_headlines("science", "de", "mars rover", 2)
    assert str(requests[0].url) == (
        "https://gnews.io/api/v4/top-headlines?category=science&country=de&max=20&page=2&q=mars+rover"
    )
    assert requests[0].headers["X-Api-Key"] == "s3cret"


def test_no_query_is_not_sent(provider: ModuleType, settings: Any) -> None:
    """An empty q is an error to some; the sandbox takes a key that is made up."""
    settings.PROVIDERS, settings.NEWS_API_KEY, settings.NEWS_URL = "sandbox", None, None
    settings.SANDBOX_URL = "http://sandbox.test"
    requests: list[httpx.Request] = []
    with provider.source.through(answering(httpx.Response(200, json=body(provider, [])), requests=requests)):
        assert provider.load_headlines("general", "us", "", 1).articles == []
    assert "q" not in requests[0].url.params
    assert requests[0].url.host == "sandbox.test"
    assert requests[0].headers["X-Api-Key"] == "sandbox"


def test_everything_that_may_be_null_may_be_null(provider: ModuleType) -> None:
    """NewsAPI does send such articles; without title, link or date they are dropped."""
    nulls = dict.fromkeys(ARTICLE)
    partly = {**ARTICLE, "author": None, "description": None, "source": {"id": None, "name": None}}
    headlines = load_articles(provider, nulls, partly, {**ARTICLE, "url": "https://paper.example/2", "source": None})
    assert [(article.source, article.summary) for article in headlines.articles] == [("", ""), ("", "It did.")]


def test_unusable_articles_are_dropped(provider: ModuleType) -> None:
    """And those of wrong types, one by one."""
    headlines = load_articles(
        provider,
        {**ARTICLE, "title": "[Removed]", "url": "https://removed.com"},
        {**ARTICLE, "url": "javascript:alert(1)"},
        {**ARTICLE, "publishedAt": "soon"},
        {**ARTICLE, "publishedAt": 1757314800},
        {**ARTICLE, "title": ["x"]},
        {**ARTICLE, "source": "A Paper"},
        None,
        7,
        [],
        ARTICLE,
        ARTICLE,
    )
    assert [article.url for article in headlines.articles] == ["https://paper.example/1"]


@pytest.mark.parametrize(
    "changes",
    [{"articles": None}, {"articles": {}}, {"articles": "x"}, {"articles": [None, 5]}, {"articles": [{"title": 5}]}],
)
def test_wrong_envelopes_are_malformed(provider: ModuleType, changes: dict[str, Any]) -> None:
    """Nothing usable must not look like a quiet day."""
    with pytest.raises(SourceMalformed):
        load(provider, httpx.Response(200, json={**body(provider, []), **changes}))


@pytest.mark.parametrize("total", [None, "38", 1.5])
def test_wrong_totals_are_malformed(provider: ModuleType, total: Any) -> None:
    """A whole number was promised."""
    with pytest.raises(SourceMalformed):
        load(provider, httpx.Response(200, json=body(provider, [ARTICLE], total)))


def test_an_error_with_status_200_is_malformed() -> None:
    """NewsAPI's envelope says it itself."""
    with pytest.raises(SourceMalformed):
        load(newsapi, httpx.Response(200, json={**body(newsapi, []), "status": "error"}))


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, SourceRefused),
        (401, SourceRefused),
        (426, SourceRefused),
        (429, SourceRateLimited),
        (500, SourceUnavailable),
    ],
)
def test_newsapi_errors_are_told_apart(status: int, expected: type[Exception]) -> None:
    """By status; a refusal carries code and message."""
    refusal = {"status": "error", "code": "apiKeyInvalid", "message": "Your API key is invalid."}
    with pytest.raises(expected) as caught:
        load(newsapi, httpx.Response(status, json=refusal))
    if expected is SourceRefused:
        assert caught.value.detail == f"HTTP {status}: apiKeyInvalid Your API key is invalid."


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, SourceRefused),
        (401, SourceRefused),
        (403, SourceRateLimited),
        (429, SourceRateLimited),
        (503, SourceUnavailable),
    ],
)
@pytest.mark.parametrize("errors", [["Not like this."], {"q": "Not like this."}], ids=["list", "fields"])
def test_gnews_errors_are_told_apart(status: int, expected: type[Exception], errors: Any) -> None:
    """403 is the used-up quota of the day."""
    with pytest.raises(expected) as caught:
        load(gnews, httpx.Response(status, json={"errors": errors}))
    if expected is SourceRefused:
        assert "Not like this." in caught.value.detail


def test_a_key_that_is_not_ascii_is_a_refusal(provider: ModuleType, settings: Any) -> None:
    """A slip in the settings is told without the key."""
    settings.NEWS_API_KEY = "schl\u00fcssel"
    with pytest.raises(SourceRefused) as caught:
        load_articles(provider, ARTICLE)
    assert "schl" not in str(caught.value)
    assert caught.value.__cause__ is None
