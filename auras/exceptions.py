"""What is refused, as errors that the services raise."""

from __future__ import annotations


class NotThere(LookupError):
    """There is no such aura, or it is somebody else's: nobody can tell the two apart."""


class Duplicate(Exception):
    """The user has an aura of that name; `aura_id` is its number."""

    def __init__(self, aura_id: int) -> None:
        super().__init__(f"it is aura {aura_id}")
        self.aura_id = aura_id


class QuotaUsedUp(Exception):
    """The user has as many auras as there may be; `detail` says why."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
