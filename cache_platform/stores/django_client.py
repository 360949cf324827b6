"""The client behind the Django cache: values signed together with the full key that they are stored under.

Each method raises StoreUnavailable when the server is away and StoreFull when it is full; `cache_platform.backend`
turns both into what Django documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from redis.exceptions import OutOfMemoryError, RedisError

from cache_platform.exceptions import StoreFull, UnreadableEntry
from cache_platform.stores.guarded_client import GuardedClient
from cache_platform.stores.signed_pickle import is_plain_integer, plain_integer, rejections
from cache_platform.stores.sweeps import Sweep, glob_escape

if TYPE_CHECKING:
    from redis import Redis

T = TypeVar("T")
Asking = Callable[[Callable[["Redis"], T]], T]

PAGE = 1000
MISSING = object()
INCREMENT = """
if ARGV[2] == '0' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
return redis.call('INCRBY', KEYS[1], ARGV[1])
"""


class SignedClient(GuardedClient):
    """Keys are made by the backend's KEY_FUNCTION unless they are CacheKeys already."""

    # What is stored under a key of its own

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:  # noqa: ANN401
        """The value, or `default` when there is none that this site stored under this key."""
        name = self.make_key(key, version=version)
        try:
            data: Any = self.ask(lambda redis: redis.get(name))
        except TypeError:
            rejections.note(UnreadableEntry("a set, a hash or the like"))
            return default
        return default if data is None else self._opened(name, data, default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """Those that are there, in one round trip."""
        names = {self.make_key(key, version=version): key for key in keys}
        if not names:
            return {}
        answers: list[Any] = self.ask(lambda redis: redis.mget(list(names)))
        found = {}
        for (name, key), data in zip(names.items(), answers, strict=True):
            value = MISSING if data is None else self._opened(name, data, MISSING)
            if value is not MISSING:
                found[key] = value
        return found

    def set(
        self,
        key: str,
        value: Any,  # noqa: ANN401
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401  # seconds, None for ever, or Django's sentinel
        version: int | None = None,
        nx: bool = False,
        xx: bool = False,
    ) -> bool:
        """True when it was stored. A full server raises StoreFull and no longer has the older value either."""
        name = self.make_key(key, version=version)
        data, px = self._sealed(name, value), self._milliseconds(timeout)

        def store(redis: Redis) -> bool:
            if px is None or px > 0:
                return bool(redis.set(name, data, px=px, nx=nx, xx=xx))
            return not redis.exists(name) if nx else bool(redis.unlink(name))

        try:
            return self.ask(store)
        except StoreFull:
            if not nx:
                self.delete_many([name])
            raise

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:  # noqa: ANN401
        """True when it was stored; False when the key exists."""
        return self.set(key, value, timeout, version=version, nx=True)

    def set_many(
        self,
        data: Mapping[str, Any],
        timeout: Any = DEFAULT_TIMEOUT,  # noqa: ANN401
        version: int | None = None,
    ) -> list[str]:
        """The keys that a full server did not take; it no longer has their older values either."""
        keys = {self.make_key(key, version=version): key for key in data}
        sealed = {name: self._sealed(name, data[key]) for name, key in keys.items()}
        px = self._milliseconds(timeout)

        def store(redis: Redis) -> list[Any]:
            pipeline = redis.pipeline(transaction=False)
            for name, blob in sealed.items():
                if px is None or px > 0:
                    pipeline.set(name, blob, px=px)
                else:
                    pipeline.unlink(name)
            answers: list[Any] = pipeline.execute(raise_on_error=False)
            for answer in answers:
                if isinstance(answer, RedisError) and not isinstance(answer, OutOfMemoryError):
                    raise answer
            return answers

        refused = [name for name, answer in zip(sealed, self.ask(store), strict=True) if isinstance(answer, Exception)]
        self.delete_many(refused)
        return [keys[name] for name in refused]

    def delete(self, key: str, version: int | None = None) -> bool:
        """True when there was such a key."""
        return self.delete_many([key], version=version) > 0

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> int:
        """How many there were. A round trip per thousand keys."""
        return self.unlink([self.make_key(key, version=version) for key in keys], self.ask)

    def has_key(self, key: str, version: int | None = None) -> bool:
        """True when there is such a key, whoever made it."""
        name = self.make_key(key, version=version)
        return bool(self.ask(lambda redis: redis.exists(name)))

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:  # noqa: ANN401
        """True when the key exists and now ends `timeout` seconds from now (None: never)."""
        name, px = self.make_key(key, version=version), self._milliseconds(timeout)

        def touched(redis: Redis) -> bool:
            if px is not None:
                return bool(redis.pexpire(name, px))
            pipeline = redis.pipeline()
            pipeline.persist(name)  # answers 0 for a key that never ends, too
            pipeline.exists(name)
            return bool(pipeline.execute()[1])

        return self.ask(touched)

    def incr(self, key: str, delta: int = 1, version: int | None = None, ignore_key_check: bool = False) -> Any:  # noqa: ANN401
        """The new value. Raises ValueError for a missing key, TypeError for a value that is no number.

        Atomic for integers of 64 bits; other numbers are read, added to and stored again.
        """
        name = self.make_key(key, version=version)
        try:
            value = self.ask(lambda redis: redis.eval(INCREMENT, 1, name, str(delta), str(int(ignore_key_check))))
        except ValueError:  # it is stored as something else than digits, or would grow beyond 64 bits
            value = self._add_to_other_number(name, delta)
        if value is None:
            raise ValueError(f"Key {key!r} not found")
        return value

    def decr(self, key: str, delta: int = 1, version: int | None = None) -> Any:  # noqa: ANN401
        """See `incr`."""
        return self.incr(key, -delta, version=version)

    def _add_to_other_number(self, name: str, delta: int) -> Any:  # noqa: ANN401
        value = self.get(name, MISSING)
        if value is MISSING:
            return None
        data = self._sealed(name, total := value + delta)
        return total if self.ask(lambda redis: redis.set(name, data, xx=True, keepttl=True)) else None

    def incr_version(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """The new version; the value keeps its end. Raises ValueError for a missing key."""
        version = self._backend.version if version is None else version
        old, new = self.make_key(key, version=version), self.make_key(key, version=version + delta)
        value, left = self.get(old, MISSING), self.ask(lambda redis: redis.pttl(old))
        if value is MISSING or left == -2:
            raise ValueError(f"Key {key!r} not found")
        # The signature is bound to the key, so the value is signed again rather than renamed.
        data, px = self._sealed(new, value), None if left == -1 else max(left, 1)

        def move(redis: Redis) -> None:
            pipeline = redis.pipeline()
            pipeline.set(new, data, px=px)
            if old != new:
                pipeline.unlink(old)
            pipeline.execute()

        self.ask(move)
        return version + delta

    # Many keys by pattern

    def iter_keys(self, search: str, itersize: int | None = None, version: int | None = None) -> Iterator[str]:
        """The keys that match the glob `search`, without prefix and version; a key may come twice, as SCAN says."""
        head = self.make_key("", version=version)
        for page in self._pages(self.make_pattern(search, version=version), itersize or PAGE, self.ask):
            for raw in page:
                name = raw.decode(errors="replace")
                yield self.reverse_key(name) if self._params.get("REVERSE_KEY_FUNCTION") else name.removeprefix(head)

    def keys(self, search: str, version: int | None = None) -> list[str]:
        """All of `iter_keys`, each once; never the command KEYS, which stops the server for everybody."""
        return list(dict.fromkeys(self.iter_keys(search, version=version)))

    def delete_pattern(
        self, pattern: str, version: int | None = None, prefix: str | None = None, itersize: int | None = None
    ) -> int:
        """How many keys matched the glob and were removed."""
        return self.sweep(Sweep(self.make_pattern(pattern, version, prefix)), self.ask, itersize=itersize)

    def make_pattern(self, pattern: str, version: int | None = None, prefix: str | None = None) -> str:
        """The glob for whole keys; all but `pattern` itself is escaped."""
        prefix = self._backend.key_prefix if prefix is None else prefix
        version = self._backend.version if version is None else version
        return str(self._backend.key_func(pattern, glob_escape(str(prefix)), glob_escape(str(version))))

    def sweep(self, sweep: Sweep, asking: Asking[Any], *, itersize: int | None = None) -> int:
        """How many keys `sweep` named and were removed, page by page."""
        removed, only = 0, sweep.only
        for page in self._pages(sweep.pattern, itersize or PAGE, asking):
            names = [raw for raw in page if only is None or only.fullmatch(raw.decode(errors="replace"))]
            removed += self.unlink(names, asking)
        return removed

    def unlink(self, names: Iterable[str | bytes], asking: Asking[Any]) -> int:
        """How many of the full keys `names` there were; UNLINK frees the memory in the background."""
        rest, removed = iter(names), 0
        while batch := list(islice(rest, PAGE)):
            removed += int(asking(lambda redis: redis.unlink(*batch)))
        return removed

    def _pages(self, pattern: str, count: int, asking: Asking[Any]) -> Iterator[list[bytes]]:
        cursor = 0
        while True:
            cursor, page = asking(lambda redis: redis.scan(cursor, match=pattern, count=count))  # noqa: B023  # at once
            yield page
            if cursor == 0:
                return

    # Stored forms

    def _sealed(self, name: str, value: Any) -> bytes | int:  # noqa: ANN401
        return value if is_plain_integer(value) else self._serializer.dumps(value, str(name))  # type: ignore[no-any-return]  # no types

    def _opened(self, name: str, data: bytes, default: Any) -> Any:  # noqa: ANN401
        number = plain_integer(data)
        if number is not None:
            return number
        try:
            return self._serializer.loads(data, str(name))
        except UnreadableEntry as error:
            rejections.note(error)
            return default

    def _milliseconds(self, timeout: Any) -> int | None:  # noqa: ANN401
        seconds = self._backend.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return None if seconds is None else int(seconds * 1000)
