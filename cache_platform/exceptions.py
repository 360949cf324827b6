"""Every error that this package raises on purpose; all of them derive from CachePlatformError."""

from __future__ import annotations


class CachePlatformError(Exception):
    """The root: `except CachePlatformError` catches all that the package raises on purpose."""


class PolicyError(CachePlatformError):
    """A policy is declared wrongly, or two policies share a name."""


class UnknownPolicy(CachePlatformError, LookupError):
    """No policy is registered under that name."""


class ParameterError(CachePlatformError, ValueError):
    """Parameters or tags do not fit what the policy declares."""


class InvalidQuery(CachePlatformError, ValueError):
    """A value from a client is not allowed. `field` names it, `message` says what is allowed."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class StoreUnavailable(CachePlatformError):
    """The store did not answer, or its breaker is open. Readers go on without it."""


class StoreNotAsked(StoreUnavailable):
    """The store is known to be away, and was not asked: nothing of the request has reached it."""


class OutboxUnreadable(StoreUnavailable):
    """The database did not say what is in the outbox, so the store may not be believed."""


class StoreFull(CachePlatformError):
    """The store refused to keep an entry because its memory is used up."""


class UnreadableEntry(CachePlatformError):
    """The bytes under a key are not an entry of ours; readers treat them as a miss."""


class LoadRefused(CachePlatformError):
    """A load was not begun. `retry_after` is in seconds."""

    def __init__(self, detail: str, *, retry_after: float) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after


class LoadShed(LoadRefused):
    """Too many loads run in this process already: a 503."""


class BudgetExceeded(LoadRefused):
    """This caller, or all callers together, used up the policy's load budget: a 429."""


class LockNotAcquired(CachePlatformError):
    """The lock `name` could not be had in time: a 503. `retry_after` is in seconds."""

    def __init__(self, name: str, *, retry_after: float = 1.0) -> None:
        super().__init__(f"the lock {name!r} could not be had in time")
        self.name = name
        self.retry_after = retry_after


class LockLost(CachePlatformError):
    """The lock `name` is not held any more, so what was to be done under it must not be done."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"the lock {name!r} is lost: {detail}")
        self.name = name


class SourceError(CachePlatformError):
    """The source behind a loader failed. `retry_after` is in seconds where the source named it; `unreached` is the
    address (scheme, host, port) that could not be connected to: for operators, and not in the text."""

    def __init__(self, source: str, detail: str, *, retry_after: float | None = None, unreached: str = "") -> None:
        super().__init__(f"{source}: {detail}")
        self.source = source
        self.detail = detail
        self.retry_after = retry_after
        self.unreached = unreached


class SourceUnavailable(SourceError):
    """The source refused the connection, dropped it, or answered 5xx."""


class SourceTimeout(SourceError):
    """The source did not answer in time."""


class SourceRateLimited(SourceError):
    """The source answered 429: its quota is used up."""


class SourceMalformed(SourceError):
    """The source answered something other than what it promises, or too much of it."""


class SourceRefused(SourceError):
    """The source refused our request (4xx): the request or the key is wrong."""


class SourceBackoff(SourceError):
    """The source failed a moment ago and is not asked again before `retry_after`."""
