"""Registration of the app."""

from django.apps import AppConfig


class WeatherConfig(AppConfig):
    """See the package's docstring."""

    name = "weather"
