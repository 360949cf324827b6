"""Checking a password: the one place that every way to sign in goes through, so that one limit can guard them all."""

from __future__ import annotations

from django.contrib.auth import authenticate
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.models import User


@sensitive_variables("password")
def check_password_of(username: str, password: str, request: HttpRequest) -> User | None:
    """The active user with that name and password, else None.

    It costs one password hash whether there is such a user or not, so its time does not tell.
    """
    user = authenticate(request, username=username, password=password)
    return user if isinstance(user, User) else None
