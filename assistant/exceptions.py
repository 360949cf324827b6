"""What the assistant refuses, as errors that its services raise."""

from __future__ import annotations


class NotThere(LookupError):
    """There is no such thing, or it is somebody else's: nobody can tell the two apart."""


class NotAllowed(Exception):
    """It is there, and this user may not change it."""


class NameTaken(Exception):
    """There is a persona of that name already."""


class TooLarge(Exception):
    """A document is larger than one may be. `most` is in bytes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"more than {most} bytes")
        self.most = most


class QuotaUsedUp(Exception):
    """The user has as much of something as there may be; `detail` says of what."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail
