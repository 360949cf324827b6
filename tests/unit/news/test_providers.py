"""Which provider the settings choose."""

from __future__ import annotations

import inspect
from typing import Any

import httpx
import pytest

from news import addresses, gnews, hackernews, newsapi, providers
from tests.unit.provider_double import answering


@pytest.mark.parametrize(
    ("chosen", "mode", "expected"),
    [
        (None, "sandbox", newsapi),
        (None, "live", hackernews),
        ("newsapi", "live", newsapi),
        ("gnews", "live", gnews),
        ("gnews", "sandbox", gnews),
        ("hackernews", "sandbox", hackernews),
    ],
)
def test_the_settings_choose(settings: Any, chosen: str | None, mode: str, expected: Any) -> None:
    """Without a choice: one that needs no key in the world."""
    settings.NEWS_PROVIDER, settings.PROVIDERS = chosen, mode
    assert providers.get_provider() is expected


def test_all_providers_have_one_interface() -> None:
    """Callers need not know which one they have."""
    wanted = inspect.signature(newsapi.load_headlines)
    for provider in (gnews, hackernews):
        assert inspect.signature(provider.load_headlines) == wanted
        assert provider.NAME


def test_only_hacker_news_has_no_filters(settings: Any) -> None:
    """Its keys need not differ by category and country."""
    for name, expected in (("newsapi", True), ("gnews", True), ("hackernews", False)):
        settings.NEWS_PROVIDER = name
        assert providers.has_filters() is expected


def test_headlines_come_from_the_chosen_provider(settings: Any) -> None:
    """The loader of the policy."""
    settings.NEWS_PROVIDER = "newsapi"
    body = {"status": "ok", "totalResults": 0, "articles": []}
    with newsapi.source.through(answering(httpx.Response(200, json=body))):
        assert providers.load_headlines("general", "us", "", 1).source == "NewsAPI"


def test_the_address_follows_the_settings(settings: Any) -> None:
    """NEWS_URL first, then the sandbox, else the world."""
    settings.SANDBOX_URL, settings.PROVIDERS, settings.NEWS_URL = "http://sandbox.test", "sandbox", None
    assert addresses.base_url("https://world.test") == "http://sandbox.test"
    settings.PROVIDERS = "live"
    assert addresses.base_url("https://world.test") == "https://world.test"
    settings.NEWS_URL = "http://own.test"
    assert addresses.base_url("https://world.test") == "http://own.test"


def test_the_key_is_made_up_only_for_the_sandbox(settings: Any) -> None:
    """A missing key must not look like one."""
    settings.NEWS_API_KEY, settings.PROVIDERS = None, "sandbox"
    assert addresses.api_key() == "sandbox"
    settings.PROVIDERS = "live"
    assert addresses.api_key() == ""
    settings.NEWS_API_KEY = "own"
    assert addresses.api_key() == "own"
