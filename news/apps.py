"""Registration of the app."""

from django.apps import AppConfig


class NewsConfig(AppConfig):
    """See the package's docstring."""

    name = "news"
