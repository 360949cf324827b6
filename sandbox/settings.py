"""Settings of the sandbox: a Django project without a database, without sessions, without secrets worth keeping."""

from __future__ import annotations

import logging
import secrets


def _has_traceback(record: logging.LogRecord) -> bool:
    """Answers of 4xx and 5xx are the sandbox's work, and no news; only crashes are."""
    return bool(record.exc_info)


SECRET_KEY = secrets.token_urlsafe(32)
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
ROOT_URLCONF = "sandbox.urls"
USE_TZ = True
INSTALLED_APPS: list[str] = []
MIDDLEWARE = ["sandbox.guard.guarded"]
DATABASES: dict[str, dict[str, str]] = {}
APPEND_SLASH = False
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"crashes": {"()": "django.utils.log.CallbackFilter", "callback": _has_traceback}},
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "loggers": {
        "django.request": {"handlers": ["stderr"], "filters": ["crashes"], "propagate": False},
        "authlib": {"level": "INFO"},  # below that it logs tokens
    },
}
