"""Registration of the app."""

from django.apps import AppConfig


class CachePlatformConfig(AppConfig):
    """Collects every app's `policies` module, so that all policies are known before the first request."""

    name = "cache_platform"
    verbose_name = "Cache"
