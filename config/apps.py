"""Registration of the site itself, for its commands."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class SiteConfig(AppConfig):
    """Stands before staticfiles in INSTALLED_APPS, so that its `runserver` is the one that runs."""

    name = "config"
    label = "site"

    def ready(self) -> None:
        """Make the site's Celery application the one that shared tasks belong to."""
        from config.celery import app

        app.set_default()


class GuardedAdminConfig(AdminConfig):
    """Django's admin, with a site of ours as `admin.site`."""

    default_site = "accounts.pages.admin.GuardedAdmin"
