"""Registration of the site itself, for its commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Stands before staticfiles and whitenoise in INSTALLED_APPS, so that its `runserver` is the one that runs."""

    name = "config"
    label = "site"
