"""Registration of the app."""

from django.apps import AppConfig


class WeatherConfig(AppConfig):
    """See the package's docstring."""

    name = "weather"

    def ready(self) -> None:
        """Register what `cache_warm` fills."""
        from weather import warming  # noqa: F401  # registers it
