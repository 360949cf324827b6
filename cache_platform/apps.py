"""Registration of the app."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.utils.module_loading import autodiscover_modules


class CachePlatformConfig(AppConfig):
    """Collects every app's `policies` module, so that all policies are known before the first request."""

    name = "cache_platform"
    verbose_name = "Cache"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Raises ImproperlyConfigured when a variable sets a TTL that is not allowed."""
        from cache_platform import health  # noqa: F401  # registers its policy
        from cache_platform.checks import check_servers, check_settings
        from cache_platform.policies import registry
        from cache_platform.warming import warm_after_sign_in

        user_logged_in.connect(warm_after_sign_in, dispatch_uid="cache_platform.warm_after_sign_in")
        checks.register(check_settings)
        checks.register(check_servers, deploy=True)
        autodiscover_modules("policies")
        for policy in registry:
            policy.effective_ttl  # noqa: B018  # reading it validates the variable
