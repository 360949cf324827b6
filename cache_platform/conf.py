"""The app's settings, read from `settings.CACHE_PLATFORM` when asked, so that `override_settings` just works."""

from __future__ import annotations

import os
from typing import Any, Literal

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

MAX_TTL = 30 * 24 * 3600


class Settings:
    """One property per setting; each docstring gives unit and default."""

    def _get(self, name: str, default: Any) -> Any:  # noqa: ANN401  # the properties below give the types
        return getattr(django_settings, "CACHE_PLATFORM", {}).get(name, default)

    @property
    def prefix(self) -> str:
        """What every key in Redis begins with (default `cp`); nothing outside it is ever touched."""
        return str(self._get("PREFIX", "cp"))

    @property
    def store(self) -> Literal["redis", "memory"]:
        """Where entries live: `redis` (default; the connection of `alias`) or this process's `memory`."""
        return "memory" if self._get("STORE", "redis") == "memory" else "redis"

    @property
    def alias(self) -> str:
        """The alias in CACHES whose Redis connection is used (default `default`)."""
        return str(self._get("ALIAS", "default"))

    @property
    def state_alias(self) -> str:
        """The alias in CACHES of the server for what must not be evicted: limits (default: `ALIAS`)."""
        return str(self._get("STATE_ALIAS", None) or self.alias)

    @property
    def enabled(self) -> bool:
        """False turns the caching of entries off: every read loads (default True)."""
        return bool(self._get("ENABLED", True))

    @property
    def secret(self) -> bytes:
        """The key of the HMACs that stand for secret or long parameters (default: SECRET_KEY)."""
        return str(self._get("SECRET", None) or django_settings.SECRET_KEY).encode()

    @property
    def memory_max_bytes(self) -> int:
        """How much the in-memory store of one process may hold (default 32 MiB)."""
        return int(self._get("MEMORY_MAX_BYTES", 32 * 1024 * 1024))

    @property
    def compress_min_bytes(self) -> int:
        """Encoded values of at least this size are compressed (default 1024)."""
        return int(self._get("COMPRESS_MIN_BYTES", 1024))

    @property
    def max_entry_bytes(self) -> int:
        """Entries larger than this are served but not stored (default 1 MiB)."""
        return int(self._get("MAX_ENTRY_BYTES", 1024 * 1024))

    @property
    def solo_loads(self) -> int:
        """How many readers of one process may load by themselves after waiting in vain (default 8)."""
        return int(self._get("SOLO_LOADS", 8))

    @property
    def background_loads(self) -> int:
        """How many background loads one process runs at once, refreshes and probes alike (default 8)."""
        return int(self._get("BACKGROUND_LOADS", 8))

    @property
    def trusted_proxies(self) -> int:
        """How many proxies in front of the site append to X-Forwarded-For (default 0: the header is ignored)."""
        return int(self._get("TRUSTED_PROXIES", 0))

    @property
    def web_processes(self) -> int:
        """How many web processes there are in all: by so many a limit is divided while Redis is away (default 1)."""
        return max(1, int(self._get("WEB_PROCESSES", 1)))

    @property
    def rate_limits(self) -> dict[str, str]:
        """The limits by preset, as in `{"search": "30/60s", "chat": "20/60s shadow"}` (default none)."""
        return dict(self._get("RATE_LIMITS", {}))

    @property
    def services(self) -> dict[str, list[str]]:
        """The outside services that /health reports, and the policies whose loads show how they are."""
        return dict(self._get("SERVICES", {}))

    @property
    def heartbeats(self) -> dict[str, str]:
        """Services that leave signs of life: the policy, without parameters, that each puts them under."""
        return dict(self._get("HEARTBEATS", {}))

    @property
    def metrics_token(self) -> str | None:
        """The bearer token that /metrics takes (default None: staff alone may read it)."""
        return self._get("METRICS_TOKEN", None)  # type: ignore[no-any-return]  # a text

    @property
    def hold_seconds(self) -> float:
        """How long a write's hold outlives a writer that died; longer than any COMMIT may take (default 10)."""
        return float(self._get("HOLD_SECONDS", 10.0))

    @property
    def outbox_databases(self) -> list[str] | None:
        """The databases whose outbox is drained; None (default): all of DATABASES but mirrors."""
        return self._get("OUTBOX_DATABASES", None)  # type: ignore[no-any-return]  # a list of aliases

    @property
    def slow_after(self) -> float:
        """An answer of the store that took longer, in seconds, counts as slow (default 0.125)."""
        return float(self._get("SLOW_AFTER", 0.125))

    @property
    def slow_run(self) -> int:
        """That many slow answers in a row open the breaker (default 8)."""
        return int(self._get("SLOW_RUN", 8))

    @property
    def statistics_interval(self) -> float:
        """Seconds between two additions of a process's counters to the store (default 1)."""
        return float(self._get("STATISTICS_INTERVAL", 1.0))


conf = Settings()


def ttl_variables(policy_name: str, older: str | None) -> list[str]:
    """The variables that may set a policy's TTL, the first that is set wins."""
    derived = "CACHE_TTL_" + policy_name.upper().replace(".", "_")
    return [derived, *([older] if older else [])]


def ttl_override(policy_name: str, older: str | None) -> tuple[str, float] | None:
    """The variable that overrides a policy's TTL and its value in seconds; None when none is set.

    Raises ImproperlyConfigured, naming the variable and what is allowed.
    """
    for variable in ttl_variables(policy_name, older):
        text = os.environ.get(variable, "")
        if not text:
            continue
        if not text.isascii() or not text.isdigit() or int(text) > MAX_TTL:
            raise ImproperlyConfigured(f"{variable}: must be whole seconds from 0 (off) to {MAX_TTL}")
        return variable, float(text)
    return None
