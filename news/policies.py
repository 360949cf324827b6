"""What is cached of the news."""

from cache_platform import Budget, CachePolicy, register
from news.schema import Headlines

HEADLINES = register(
    CachePolicy(
        name="news.headlines",
        description="A page of headlines by category, country and search words.",
        schema=Headlines,
        params={"provider": str, "category": str, "country": str, "q": str, "page": int},
        ttl=900,
        consistency="relaxed",
        audience="public",
        stale_for=24 * 3600,
        soft_timeout=1.5,
        refresh_ahead=0.1,
        local_ttl=1,
        budgets=(
            Budget(limit=60, window=60),
            Budget(limit=500, window=86_400),
            Budget(limit=300, window=3600, per="policy"),
        ),
    )
)
