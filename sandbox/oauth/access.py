"""The servers as views ask for them."""

from __future__ import annotations

import time

from django.http import HttpRequest

from sandbox.oauth import state
from sandbox.oauth.definitions import Platform
from sandbox.oauth.server import Server


def server_for(platform: Platform, request: HttpRequest) -> Server:
    """Return the platform's server as of now, under the name by which `request` reached it."""
    issuer = f"{request.scheme}://{request.get_host()}/oauth/{platform.slug}"
    return Server(platform, state.store(), state.switches.now, issuer=issuer, now=time.time())
