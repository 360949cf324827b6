"""Who somebody is: by a password, within the limit on attempts; and whom a session belongs to, from the cache."""

from __future__ import annotations

from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.attempts import begin_attempt, end_unchecked, end_well
from accounts.identity import load_identity, user_of
from accounts.models import User
from accounts.policies import USER
from accounts.turns import turns
from cache_platform import get_or_load


class IdentityBackend(ModelBackend):
    """Django's own backend, but passwords cannot be tried without end, and a signed-in user costs no query: neither
    the user nor any of its permissions."""

    @sensitive_variables()  # a report of an error in it must not tell the password
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The active user with that name and password, else None.

        Raises PermissionDenied when too many attempts were wrong, or too many are under way (accounts.attempts says
        until when): no password is hashed then, and no other backend asked, so `authenticate()` gives None to callers
        that know nothing of it.
        """
        if username is None or password is None:
            return None
        attempt = begin_attempt(username, request)
        if not attempt.allowed:
            raise PermissionDenied("too many attempts")
        with turns.turn() as mine:
            if not mine:
                end_unchecked(attempt, request)
                raise PermissionDenied("too many attempts at once")
            user = super().authenticate(request, username=username, password=password, **kwargs)
        if user is not None:
            end_well(attempt, request)
        return user

    @sensitive_variables()
    async def aauthenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """See authenticate; Django's own would not pass through it."""

        @sensitive_variables()  # what it encloses would be shown, too
        def check() -> User | None:  # arguments would be shown by a report of an error in the thread
            return self.authenticate(request, username=username, password=password, **kwargs)

        return await sync_to_async(check)()

    def get_user(self, user_id: int) -> User | None:
        """The user, built from the identity in the cache; None for one who is not there or not active."""
        identity = get_or_load(USER, {"user_id": int(user_id)}, load_identity)
        return user_of(identity) if identity is not None else None

    async def aget_user(self, user_id: int) -> User | None:
        """See get_user."""
        return await sync_to_async(self.get_user)(user_id)
