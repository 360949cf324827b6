"""What a request's headers tell of it before anybody is authenticated.

Without views in it: Django REST framework imports the authentication classes when it makes its first view class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from rest_framework.request import Request

from cache_platform.policies import CachePolicy
from cache_platform.rest.callers import Caller

Wanted = tuple[CachePolicy[Any], Mapping[str, Any]]
"""A policy, and the parameters of one of its entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """Whose a credential would be if it is good, and the entry that says whether it is. `sure`: a request whose
    credential is good is let in, so that its limits may be asked at once. One that may still be refused (a key without
    the scope, a form without its CSRF token) must not hold a slot of its user's meanwhile."""

    user_id: int
    caller: Caller
    credential: Wanted
    sure: bool = True


@runtime_checkable
class Foresees(Protocol):
    """An authentication class that can tell."""

    def foresee(self, request: Request) -> Foresight | None:
        """What the credential in `request` would be, without asking the store or the database for it; None when there
        is none of this kind, or it is known to be none that is good."""
