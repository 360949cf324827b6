"""Which news `cache_warm` loads ahead: the first page of each category, as the dashboard shows them."""

from __future__ import annotations

from typing import Any

from cache_platform.warming import warmer
from news.policies import HEADLINES
from news.queries import CATEGORIES, DEFAULT_COUNTRY
from news.reads import headlines_params, load


def _pages() -> list[dict[str, Any]]:
    """One each; a single one where the provider knows no categories."""
    wanted = [headlines_params(category, DEFAULT_COUNTRY) for category in CATEGORIES]
    return [params for number, params in enumerate(wanted) if params not in wanted[:number]]


warmer(HEADLINES, _pages, load)
