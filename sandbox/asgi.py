"""The sandbox as an ASGI application; the settings are its own, whatever the environment names."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"

from django.core.asgi import get_asgi_application
from django.urls import get_resolver

from sandbox import timezones

application = get_asgi_application()

# Now rather than with the first request, which should take its delay and nothing else.
_ = get_resolver().url_patterns
timezones.name_near(0, 0)
