"""The sandbox as an ASGI application; the settings are its own, whatever the environment names."""

from __future__ import annotations

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "sandbox.settings"

from django.core.asgi import get_asgi_application

application = get_asgi_application()
