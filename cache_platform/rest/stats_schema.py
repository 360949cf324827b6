"""What the statistics look like in the OpenAPI schema."""

from __future__ import annotations

from typing import Any

from cache_platform.statistics import COUNTERS, LIMIT_COUNTERS, LOCK_COUNTERS

COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
MAYBE: dict[str, Any] = {"type": ["integer", "null"], "minimum": 0, "description": "Null where it is not known yet."}
SHARE: dict[str, Any] = {"type": "string", "pattern": "^[0-9]+\\.[0-9]%$", "examples": ["92.0%"]}
MEASURED: dict[str, Any] = {"type": ["number", "null"], "description": "Null where nothing was measured."}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties, **more}


SUMMARY: dict[str, Any] = {
    **{name: COUNT for name in COUNTERS if name != "load_us"},
    "callsSaved": COUNT,
    "providerCalls": COUNT,
    "hitRate": SHARE,
    "apiCallReduction": SHARE,
    **dict.fromkeys(("meanLoadMs", "meanBytes", "p50LoadMs", "p95LoadMs", "p99LoadMs"), MEASURED),
    "loadTimes": {
        "type": "object",
        "description": "Loads by their time, each up to so many milliseconds.",
        "additionalProperties": COUNT,
    },
}
PATTERN = _object(
    {"name": {"type": "string"}, "count": MAYBE, "ttl": {"type": "number"}, "ttlSource": {"type": "string"}, **SUMMARY},
    title="PolicyStats",
)
LIMIT = _object(
    {
        "name": {"type": "string"},
        "limit": COUNT,
        "window": {"type": "number"},
        "shadow": {"type": "boolean"},
        **dict.fromkeys(LIMIT_COUNTERS, COUNT),
    },
    title="LimitStats",
)
LOCK = _object({"kind": {"type": "string"}, **dict.fromkeys(LOCK_COUNTERS, COUNT)}, title="LockStats")
SERVER = {
    **_object({"status": {"type": "string"}, "connected": {"type": "boolean"}}),
    "description": "What the server says of itself: memory, clients, evictions.",
}
STATS = _object(
    {
        "timestamp": {"type": "string", "format": "date-time"},
        "window": {"type": "string"},
        "entriesAge": {"type": ["number", "null"], "description": "Seconds since the entries were counted."},
        "patterns": {"type": "array", "items": PATTERN, "description": "By policy; empty while the store is away."},
        "performance": {"anyOf": [_object(SUMMARY, title="Performance"), {"type": "null"}]},
        "limits": {"type": "array", "items": LIMIT},
        "locks": {"type": "array", "items": LOCK},
        "redis": SERVER,
        "outbox": {"type": ["integer", "null"], "description": "Rows that wait; null while the database is away."},
    },
    title="CacheStats",
)
