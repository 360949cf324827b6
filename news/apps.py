"""Registration of the app."""

from django.apps import AppConfig


class NewsConfig(AppConfig):
    """See the package's docstring."""

    name = "news"

    def ready(self) -> None:
        """Register what `cache_warm` fills."""
        from news import warming  # noqa: F401  # registers it
