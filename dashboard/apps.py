"""Registration of the app."""

from django.apps import AppConfig


class DashboardConfig(AppConfig):
    """See the package's docstring."""

    name = "dashboard"
