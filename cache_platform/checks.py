"""System checks: each setting that can be wrong, with a stable id and a hint."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning  # noqa: A004  # Django's names
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from cache_platform.backend import RedisCache
from cache_platform.conf import conf
from cache_platform.exceptions import ParameterError, StoreUnavailable
from cache_platform.invalidation import declarations, is_declared, unknown_fields
from cache_platform.policies import registry
from cache_platform.presets import Preset
from cache_platform.stores import get_state_store, get_store

KNOWN = {
    "ALIAS", "BACKGROUND_LOADS", "COMPRESS_MIN_BYTES", "ENABLED", "HEARTBEATS", "HOLD_SECONDS", "MAX_ENTRY_BYTES",
    "MEMORY_MAX_BYTES", "METRICS_TOKEN", "OUTBOX_DATABASES", "PREFIX", "RATE_LIMITS", "SECRET", "SERVICES",
    "SLOW_AFTER", "SLOW_RUN", "SOLO_LOADS", "STATE_ALIAS", "STATISTICS_INTERVAL", "STORE", "TRUSTED_PROXIES",
    "WEB_PROCESSES",
}  # fmt: skip


def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Every check of this app that asks nobody."""
    return [
        *_names(), *_prefix(), *_store(), *_ttls(), *_tags(), *_unused_tags(), *_databases(), *_requests(), *_limits(),
        *_metrics_token(),
    ]  # fmt: skip


def check_servers(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    """Whether each server keeps what must not be evicted, or there has to be one. It asks them, so it is for
    `check --deploy` alone."""
    if _store():
        return []
    if conf.store == "memory":
        return _memory()
    found: list[CheckMessage] = []
    for alias, store in {conf.alias: get_store(), conf.state_alias: get_state_store()}.items():
        try:
            server = store.describe()
        except StoreUnavailable as error:
            message = f"The server behind CACHES[{alias!r}] cannot be asked how it evicts ({error})."
            hint = "Run the check where the server can be reached, with the password that it wants."
            found.append(Info(message, hint=hint, id="cache_platform.I001"))
            continue
        if alias == conf.state_alias:
            found.extend(_eviction(alias, server))
    return found


def _memory() -> list[CheckMessage]:
    if settings.DEBUG or conf.web_processes == 1:
        return []
    message = "Each process has its own memory: processes see neither each other's writes nor each other's limits."
    hint = "Fine for development and for a single process (WEB_PROCESSES); name a Redis for more."
    return [Warning(message, hint=hint, id="cache_platform.W001")]


def _eviction(alias: str, server: Mapping[str, Any]) -> list[CheckMessage]:
    policy = server.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or not server.get("maxmemory"):
        return []
    message = f"The server behind CACHES[{alias!r}] evicts limits, budgets and queues when it is full ({policy})."
    hint = (
        "Set its maxmemory-policy to noeviction, or give them a server of their own that has it:"
        " REDIS_STATE_URL, which is CACHE_PLATFORM['STATE_ALIAS']."
    )
    return [Warning(message, hint=hint, id="cache_platform.W005")]


def _names() -> list[CheckMessage]:
    unknown = sorted(set(getattr(settings, "CACHE_PLATFORM", {})) - KNOWN)
    hint = f"Known are {', '.join(sorted(KNOWN))}."
    return [Error(f"CACHE_PLATFORM has no setting {name!r}.", hint=hint, id="cache_platform.E001") for name in unknown]


def _prefix() -> list[CheckMessage]:
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", conf.prefix):
        return []
    hint = "Use letters, digits, dots, dashes and underscores only."
    return [Error("CACHE_PLATFORM['PREFIX'] would be ambiguous in keys.", hint=hint, id="cache_platform.E002")]


def _store() -> list[CheckMessage]:
    given = getattr(settings, "CACHE_PLATFORM", {}).get("STORE", "redis")
    if given not in {"redis", "memory"}:
        hint = "Use redis or memory."
        return [Error(f"CACHE_PLATFORM['STORE'] is {given!r}.", hint=hint, id="cache_platform.E006")]
    if conf.store == "memory":
        return []
    found = _alias(conf.alias, "ALIAS", missing="cache_platform.E003", foreign="cache_platform.E004")
    if conf.state_alias != conf.alias:
        found += _alias(conf.state_alias, "STATE_ALIAS", missing="cache_platform.E009", foreign="cache_platform.E010")
    return found


def _alias(alias: str, setting: str, *, missing: str, foreign: str) -> list[CheckMessage]:
    if alias not in settings.CACHES:
        hint = f"Add it to CACHES, or name another in CACHE_PLATFORM[{setting!r}]."
        return [Error(f"CACHES has no alias {alias!r}.", hint=hint, id=missing)]
    if not issubclass(import_string(settings.CACHES[alias]["BACKEND"]), RedisCache):
        hint = "Use cache_platform.backend.RedisCache as its BACKEND: it notices a server that is another one."
        return [Error(f"CACHES[{alias!r}] is not the platform's own backend.", hint=hint, id=foreign)]
    return []


def _ttls() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for policy in registry:
        try:
            policy.effective_ttl  # noqa: B018  # reading it validates the variable
        except ImproperlyConfigured as error:
            found.append(Error(str(error), id="cache_platform.E005"))
    known = {variable for policy in registry for variable in policy.ttl_variables}
    unknown = sorted(name for name in os.environ if name.startswith("CACHE_TTL_") and name not in known)
    hint = f"Known are {', '.join(sorted(known))}."
    found.extend(
        Warning(f"{name} is set, and there is no such policy.", hint=hint, id="cache_platform.W002") for name in unknown
    )
    return found


def _tags() -> list[CheckMessage]:
    hint = "Use fields of the model, pk, or paths like conversation__user_id."
    return [
        Error(
            f"tags_of({declaration.model.__name__}) names unknown fields {unknown}.",
            hint=hint,
            id="cache_platform.E007",
        )
        for declaration in declarations()
        if (unknown := unknown_fields(declaration))
    ]


def _unused_tags() -> list[CheckMessage]:
    hint = "It supersedes nothing. Is it spelt as in the policy? Tags are compared up to the first brace."
    return [
        Warning(
            f"tags_of({declaration.model.__name__}) has the tag {template!r}, and no policy has such a tag.",
            hint=hint,
            id="cache_platform.W004",
        )
        for declaration in declarations()
        for template in declaration.templates
        if not is_declared(template)
    ]


def _databases() -> list[CheckMessage]:
    hint = "A transaction that reads first and writes then fails when another one wrote in between."
    return [
        Warning(
            f"DATABASES[{alias!r}] begins its transactions without a lock: set its OPTIONS['transaction_mode'] to"
            " IMMEDIATE.",
            hint=hint,
            id="cache_platform.W003",
        )
        for alias, options in settings.DATABASES.items()
        if "sqlite" in str(options.get("ENGINE"))
        and declarations()
        and options.get("OPTIONS", {}).get("transaction_mode") not in {"IMMEDIATE", "EXCLUSIVE"}
    ]


def _requests() -> list[CheckMessage]:
    hint = "Mark such views with transaction.non_atomic_requests, and begin the transaction inside the lock."
    return [
        Warning(
            f"DATABASES[{alias!r}] has ATOMIC_REQUESTS: a DistributedLock of a view is let go before the COMMIT.",
            hint=hint,
            id="cache_platform.W006",
        )
        for alias, options in settings.DATABASES.items()
        if options.get("ATOMIC_REQUESTS")
    ]


def _metrics_token() -> list[CheckMessage]:
    token = conf.metrics_token
    if not token or (isinstance(token, str) and re.fullmatch(r"[!-~]{20,}", token)):
        return []
    hint = "Give at least 20 printable characters without spaces, or None."
    return [Error("CACHE_PLATFORM['METRICS_TOKEN'] is no token.", hint=hint, id="cache_platform.E011")]


def _limits() -> list[CheckMessage]:
    found: list[CheckMessage] = []
    for name, text in conf.rate_limits.items():
        try:
            Preset.parse(name, text)
        except ParameterError as error:
            hint = "A name in small letters, and a text like 20/60s; after it may stand shadow and allow."
            found.append(Error(f"The rate limit {name!r}: {error}.", hint=hint, id="cache_platform.E008"))
    return found
