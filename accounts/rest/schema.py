"""What the accounts' routes look like in the OpenAPI schema."""

from __future__ import annotations

from typing import Any

from cache_platform.rest.schema import PROBLEM


def problems(*statuses: int) -> dict[Any, Any]:
    """The problem responses with these statuses."""
    return {(status, "application/problem+json"): PROBLEM for status in statuses}


def enveloped(status: int, data: dict[str, Any]) -> dict[Any, Any]:
    """`{"success": true, "data": …}` with `data` by this JSON schema."""
    return {
        (status, "application/json"): {
            "type": "object",
            "required": ["success", "data"],
            "properties": {"success": {"type": "boolean", "const": True}, "data": data},
        }
    }


def single(status: int, properties: dict[str, Any]) -> dict[Any, Any]:
    """The response with one thing that has these properties."""
    return enveloped(status, _item(properties))


def listed(properties: dict[str, Any]) -> dict[Any, Any]:
    """The response with a list of things that have these properties."""
    of_list: dict[str, Any] = {
        "items": {"type": "array", "items": _item(properties)},
        "total": {"type": "integer"},
        "page": {"type": "integer"},
    }
    return enveloped(200, _item(of_list))


def _item(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


EMPTY = enveloped(200, {"type": "null"})
"""The response of a change that has nothing to say."""
