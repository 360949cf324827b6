"""What cached reads look like in the OpenAPI schema."""

from __future__ import annotations

from typing import Any

import msgspec
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse

from cache_platform.flushing import LONGEST_PATTERN, PRINTED
from cache_platform.keys import LONGEST_TAG, TAG

HEADERS = [
    OpenApiParameter("Cache-Status", str, OpenApiParameter.HEADER, description="RFC 9211", response=[200, 304]),
    OpenApiParameter("Age", int, OpenApiParameter.HEADER, description="Seconds, RFC 9111", response=[200, 304]),
    OpenApiParameter("ETag", str, OpenApiParameter.HEADER, description="Weak, over `data`", response=[200, 304]),
    OpenApiParameter("Cache-Control", str, OpenApiParameter.HEADER, response=[200, 304]),
]
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}},
    },
}

FLUSH_BODY: dict[str, Any] = {
    "type": "object",
    "description": "What to flush: exactly one of these.",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        "policy": {"type": "string", "description": "A policy's name.", "examples": ["weather.current"]},
        "tag": {
            "type": "string",
            "pattern": f"^{TAG.pattern}$",
            "maxLength": LONGEST_TAG,
            "description": "A tag.",
            "examples": ["user:42"],
        },
        "user": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1, "description": "A user's id."},
        "pattern": {
            "type": "string",
            "pattern": f"^{PRINTED.pattern}$",
            "maxLength": LONGEST_PATTERN,
            "description": "A Redis glob for keys of entries without their prefix, with 5 stars and 5 sets in brackets"
            " at the most. One that names nothing is refused: that is what `all` is for.",
            "examples": ["weather.*:lat=52*"],
        },
        "key": {"type": "string", "pattern": f"^{PRINTED.pattern}$", "description": "An entry's whole key."},
        "all": {"type": "boolean", "const": True, "description": "Everything."},
    },
}
FLUSHED: dict[str, Any] = {
    "type": "object",
    "required": ["success", "data"],
    "properties": {
        "success": {"type": "boolean", "const": True},
        "data": {
            "type": "object",
            "required": ["target", "entries", "generations", "waiting", "milliseconds"],
            "properties": {
                "target": {"type": "object", "description": "What was flushed, as it was asked for."},
                "entries": {
                    "type": ["integer", "null"],
                    "description": "Entries deleted; null for what is superseded at once, without looking at entries.",
                },
                "generations": {"type": "integer", "description": "New generations."},
                "waiting": {"type": "boolean", "description": "The store is away, the flush waits in the outbox."},
                "milliseconds": {"type": "number"},
            },
        },
    },
}


def cached_responses(data: type, *, statuses: tuple[int, ...] = (400, 429, 503)) -> dict[Any, Any]:
    """The responses of a cached read of `data` (a msgspec type), and the problems it may answer with."""
    found: dict[Any, Any] = {
        (200, "application/json"): {
            "type": "object",
            "required": ["success", "data", "cached"],
            "properties": {
                "success": {"type": "boolean", "const": True},
                "data": inlined(data),
                "cached": {"type": "boolean"},
            },
        },
        304: OpenApiResponse(description="The client has this data already."),
    }
    for status in statuses:
        found[(status, "application/problem+json")] = PROBLEM
    return found


def plain_responses(item: type) -> dict[Any, Any]:
    """The responses of a list of `item` that needs no cache."""
    properties = {"items": inlined(item), "total": {"type": "integer"}, "page": {"type": "integer"}}
    return {
        (200, "application/json"): {
            "type": "object",
            "required": ["success", "data"],
            "properties": {
                "success": {"type": "boolean", "const": True},
                "data": {"type": "object", "required": list(properties), "properties": properties},
            },
        },
        304: OpenApiResponse(description="The client has this data already."),
        (400, "application/problem+json"): PROBLEM,
    }


def inlined(data: type) -> dict[str, Any]:
    """The JSON schema of a msgspec type with its references resolved; the type must not contain itself."""
    schema, components = msgspec.json.schema_components([data], ref_template="{name}")

    def resolve(node: Any) -> Any:  # noqa: ANN401  # JSON
        if isinstance(node, dict):
            if "$ref" in node:
                return resolve(components[node["$ref"]])
            return {name: resolve(value) for name, value in node.items()}
        return [resolve(value) for value in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema[0])
    return resolved
