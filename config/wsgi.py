"""The WSGI application."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

site = get_wsgi_application()

from config.bodies import BoundedBodies  # noqa: E402  # needs the apps, which the line above loads
from config.preload import preload  # noqa: E402  # the same

preload()

application = BoundedBodies(site)
