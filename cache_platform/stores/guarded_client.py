"""django-redis's client with every question through the breaker, and signed members of sets and the like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django_redis.client import DefaultClient
from django_redis.exceptions import ConnectionInterrupted

from cache_platform.stores.connection import ask, breaker_at, direct, refusals
from cache_platform.stores.django_lock import GuardedLock
from cache_platform.stores.signed_pickle import is_plain_integer, plain_integer

if TYPE_CHECKING:
    from redis import Redis

    from cache_platform.breaker import Breaker

T = TypeVar("T")
Members = set[Any]


class GuardedClient(DefaultClient):  # type: ignore[misc]  # django-redis has no types
    """Knows one server. What `ask` does raises StoreUnavailable when the server is away, StoreFull when it is full,
    and TypeError or ValueError when it refuses the command for its own sake."""

    def __init__(self, server: str, params: dict[str, Any], backend: Any) -> None:  # noqa: ANN401  # the cache
        super().__init__([server], params, backend)
        self._location = server

    @property
    def breaker(self) -> Breaker:
        """The breaker of the server, shared with everything else in this process that uses its address."""
        return breaker_at(self._location, self.get_client)

    def ask(self, operation: Callable[[Redis], T]) -> T:
        """What `operation` returns, asked through the breaker."""
        return ask(self.breaker, self.get_client, lambda redis: _plain(operation, redis))

    def ask_directly(self, operation: Callable[[Redis], T]) -> T:
        """As `ask`, but whatever the breaker says: for what must be done before it closes."""
        return direct(self.get_client, lambda redis: _plain(operation, redis))

    def encode(self, value: Any, *, allow_int: bool = True) -> bytes | int:  # noqa: ANN401
        """The stored form of a member, the same each time, so that Redis can compare it."""
        if allow_int and is_plain_integer(value):
            return int(value)
        return bytes(self._serializer.dumps(value))

    def decode(self, value: Any) -> Any:  # noqa: ANN401
        """The member. Raises UnreadableEntry when this site did not store it."""
        number = plain_integer(value)
        return self._serializer.loads(value) if number is None else number

    def sscan(self, key: str, match: str | None = None, count: int | None = 10, version: int | None = None) -> Members:
        """The first page of a set."""
        return Members(next(self._pages_of_set(key, match, count, version)))

    def sscan_iter(
        self, key: str, match: str | None = None, count: int | None = 10, version: int | None = None
    ) -> Iterator[Any]:
        """The members of a set; one may come twice, as SSCAN says."""
        for page in self._pages_of_set(key, match, count, version):
            yield from page

    def _pages_of_set(self, key: str, match: str | None, count: int | None, version: int | None) -> Iterator[list[Any]]:
        if match is not None:
            raise ValueError("match compares stored bytes, and members are stored signed")
        name, cursor = self.make_key(key, version=version), 0
        while True:
            cursor, page = self.ask(lambda redis: redis.sscan(name, cursor, count=count))  # noqa: B023  # at once
            yield [self.decode(member) for member in page]
            if cursor == 0:
                return

    def lock(
        self,
        key: str,
        version: int | None = None,
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401
        **options: Any,
    ) -> GuardedLock:
        """redis-py's lock, through the breaker. It ends by itself after the cache's default timeout unless `timeout`
        (seconds) says otherwise, since its holder may die; None means never."""
        seconds = self._backend.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return GuardedLock(self.get_client(), self.make_key(key, version=version), self.ask, timeout=seconds, **options)


def _plain(operation: Callable[[Redis], T], redis: Redis) -> T:
    """What `operation` returns, with redis-py's own errors rather than django-redis's wrapper around them."""
    with refusals():
        try:
            return operation(redis)
        except ConnectionInterrupted as interrupted:
            raise interrupted.__cause__ or interrupted from None
