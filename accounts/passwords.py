"""Checking a password where there is no form of Django's to do it."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.attempts import refusal_of
from accounts.models import User
from cache_platform.ratelimits import Decision


class TooManyAttempts(Exception):
    """The password was not looked at: too many were wrong. `decision` says when the next attempt fits."""

    def __init__(self, decision: Decision) -> None:
        super().__init__("too many attempts")
        self.decision = decision


@sensitive_variables("password")
def check_password_of(username: str, password: str, request: HttpRequest) -> User | None:
    """The active user with that name and password, else None. Raises TooManyAttempts.

    It costs one password hash whether there is such a user or not, so its time does not tell.
    """
    user = authenticate(request, username=username, password=password)
    if user is None and (refusal := refusal_of(request)) is not None:
        raise TooManyAttempts(refusal)
    return user if isinstance(user, User) else None
