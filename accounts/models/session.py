"""Where people are signed in."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone


class Session(AbstractBaseSession):
    """One browser's session. `session_key` is an HMAC of the key in the cookie: who reads the table cannot sign in."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="sessions"
    )
    created_at = models.DateTimeField(default=timezone.now)
    last_seen = models.DateTimeField(default=timezone.now)
    """To within some minutes: a write for each request would cost more than the request."""
    user_agent = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    """Where the sign-in came from; an IPv6 address by its /64 network."""

    class Meta(AbstractBaseSession.Meta):
        ordering = ["-last_seen"]

    @classmethod
    def get_session_store_class(cls) -> type[SessionBase]:
        """The engine that reads and writes these rows."""
        from accounts.sessions.cached_db import SessionStore

        return SessionStore
