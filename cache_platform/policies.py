"""What is cached, declared once: policies and their registry."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar, get_args

import msgspec

from cache_platform import keys
from cache_platform.conf import ttl_override, ttl_variables
from cache_platform.exceptions import PolicyError, UnknownPolicy

T = TypeVar("T")

NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
Consistency = Literal["strict", "relaxed"]
Audience = Literal["public", "private"]
PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """At most `limit` loads in any `window` seconds, for each caller or for all of the policy's callers together."""

    limit: int
    window: float
    per: Literal["caller", "policy"] = "caller"

    def __post_init__(self) -> None:
        if self.limit < 1 or self.window <= 0 or self.per not in {"caller", "policy"}:
            raise PolicyError("a Budget has a limit of at least 1, a positive window, and is per caller or per policy")


@dataclass(frozen=True, kw_only=True, eq=False)
class CachePolicy(Generic[T]):
    """What a cached thing is called, how long it is fresh, who may see it, what invalidates it, and what happens
    when its source or the store fails. All times are in seconds. Raises PolicyError when declared wrongly.

    `schema` is the value's type (a frozen msgspec.Struct by preference); `params` names the parameters of the key
    and their types; `tags` may use them, as in `("user:{user_id}",)`. A `relaxed` policy may serve stale entries
    (`stale_for`), local copies (`local_ttl`, public data only) and serves through a hold and without the store;
    a `strict` one never serves anything older than a finished write. `until` gives the unix seconds past which a value
    must not be served, fresh or stale, as for a token that ends by itself.
    """

    name: str
    schema: type[T]
    ttl: float
    until: Callable[[T], float] | None = None
    params: Mapping[str, type] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    secret_params: frozenset[str] = frozenset()
    consistency: Consistency = "strict"
    audience: Audience = "private"
    negative_ttl: float = 30
    stale_for: float = 0
    soft_timeout: float | None = None
    hard_timeout: float = 5
    refresh_ahead: float = 0
    local_ttl: float = 0
    backoff: float = 1
    longest_backoff: float = 30
    budgets: tuple[Budget, ...] = ()
    ttl_variable: str | None = None
    description: str = ""

    def __post_init__(self) -> None:
        for broken, rule in self._rules():
            if broken:
                raise PolicyError(f"policy {self.name!r}: {rule}")

    def _rules(self) -> Iterator[tuple[bool, str]]:
        yield not NAME.fullmatch(self.name), "the name must be like weather.current"
        yield self.consistency not in get_args(Consistency), "consistency must be strict or relaxed"
        yield self.audience not in get_args(Audience), "audience must be public or private"
        yield not _all_of(self.tags, str), 'tags must be a tuple of strings, as in ("user:{user_id}",)'
        yield not _all_of(self.budgets, Budget), "budgets must be a tuple of Budget"
        yield not isinstance(self.secret_params, frozenset), "secret_params must be a frozenset"
        yield not _encodable(self.schema), "schema must be a type that msgspec encodes, such as a Struct, dict or list"
        yield self.ttl <= 0, "ttl must be positive"
        yield self.until is not None and not callable(self.until), "until must be a function of the value"
        yield self.negative_ttl < 0 or self.stale_for < 0 or self.local_ttl < 0, "times must not be negative"
        yield self.hard_timeout <= 0, "hard_timeout must be positive"
        yield (
            self.soft_timeout is not None and not 0 < self.soft_timeout < self.hard_timeout,
            ("soft_timeout must lie between 0 and hard_timeout"),
        )
        yield not 0 <= self.refresh_ahead <= 0.5, "refresh_ahead is a share of the life, from 0 to 0.5"
        yield not self.relaxed and bool(self.stale_for or self.local_ttl), "only a relaxed policy may be served stale"
        yield bool(self.local_ttl) and self.audience != "public", "local copies are for public data only"
        yield (
            not set(self.params.values()) <= set(keys.PARAMETER_TYPES),
            (f"parameters must be of {[kind.__name__ for kind in keys.PARAMETER_TYPES]}"),
        )
        yield not self.secret_params <= self.params.keys(), "secret_params must be parameters"
        used = {name for tag in self.tags for name in PLACEHOLDER.findall(tag)}
        yield not used <= self.params.keys(), f"tags use unknown parameters {sorted(used - self.params.keys())}"

    @property
    def relaxed(self) -> bool:
        """True for a relaxed policy, false for a strict one."""
        return self.consistency == "relaxed"

    @property
    def effective_ttl(self) -> float:
        """The TTL in force: the environment's, else the declared one. 0 means that the policy is off."""
        override = ttl_override(self.name, self.ttl_variable)
        return override[1] if override else self.ttl

    @property
    def ttl_source(self) -> str:
        """Where the TTL in force comes from: a variable's name, or `declared`."""
        override = ttl_override(self.name, self.ttl_variable)
        return override[0] if override else "declared"

    @property
    def ttl_variables(self) -> list[str]:
        """The variables that may override the TTL."""
        return ttl_variables(self.name, self.ttl_variable)

    @cached_property
    def fingerprint(self) -> str:
        """Eight hex digits that change with the schema: a deployment that changes it never reads the old form."""
        shape = json.dumps(msgspec.json.schema(self.schema), sort_keys=True)
        return hashlib.blake2b(f"1\n{shape}".encode(), digest_size=4).hexdigest()

    @cached_property
    def decoder(self) -> msgspec.msgpack.Decoder[T]:
        """Decodes and validates a stored value."""
        return msgspec.msgpack.Decoder(self.schema)

    def address(self, params: Mapping[str, Any]) -> Address:
        """The key and the tags of one entry. Raises ParameterError."""
        shown = keys.parts(self.name, self.params, self.secret_params, params)
        own = tuple(PLACEHOLDER.sub(lambda match: shown[match[1]], tag) for tag in self.tags)
        tags = (keys.EVERYTHING, keys.policy_tag(self.name), *own)
        return Address(
            key=keys.entry_key(self.name, self.fingerprint, shown),
            tag_keys=tuple(keys.tag_key(tag) for tag in tags),
            digest=keys.digest(tags),
        )


def _all_of(values: object, kind: type) -> bool:
    return isinstance(values, tuple) and all(isinstance(value, kind) for value in values)


def _encodable(schema: Any) -> bool:  # noqa: ANN401  # any type
    try:
        msgspec.json.schema(schema)
    except TypeError:
        return False
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where an entry lives: its key, the keys of its tags, and the digest of its tag list."""

    key: str
    tag_keys: tuple[str, ...]
    digest: str

    @property
    def lease_key(self) -> str:
        """The key of the entry's lease."""
        return keys.lease_key(self.key)


class Registry:
    """All policies, by name."""

    def __init__(self) -> None:
        self._policies: dict[str, CachePolicy[Any]] = {}

    def register(self, policy: CachePolicy[T]) -> CachePolicy[T]:
        """Make `policy` known and return it. Raises PolicyError when its name is taken."""
        if self._policies.setdefault(policy.name, policy) is not policy:
            raise PolicyError(f"policy {policy.name!r} is declared twice")
        return policy

    def unregister(self, name: str) -> None:
        """Forget a policy; for tests that declare their own."""
        self._policies.pop(name, None)

    def get(self, name: str) -> CachePolicy[Any]:
        """The policy of that name. Raises UnknownPolicy."""
        try:
            return self._policies[name]
        except KeyError:
            raise UnknownPolicy(f"no policy {name!r}; known: {', '.join(sorted(self._policies))}") from None

    def __iter__(self) -> Iterator[CachePolicy[Any]]:
        return iter(sorted(self._policies.values(), key=lambda policy: policy.name))

    def __contains__(self, name: str) -> bool:
        return name in self._policies


registry = Registry()
register = registry.register
