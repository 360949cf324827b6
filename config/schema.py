"""The OpenAPI document: what is in it besides the routes that describe themselves, and how it is served."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from drf_spectacular.settings import spectacular_settings

from cache_platform.rest.schema import PROBLEM
from config.environment import BASE_DIR
from config.openapi import HEADERS

CONTENT_TYPE = "application/vnd.oai.openapi+json"
INTRODUCTION = BASE_DIR / "config" / "api.md"
SECTIONS = {
    "Sign-in": "Tokens, the password, API keys.",
    "Account": "One's own profile and subscription.",
    "Weather": "For everybody; one entry of the cache serves both systems of units and every number of days.",
    "News": "For everybody.",
    "Connectors": "Platforms that a user has connected, and what is made of what they hold.",
    "Auras": "One's own auras.",
    "Assistant": "Questions and answers, and what belongs to them.",
    "Cache": "For staff: what the cache does, and flushing it.",
    "Operation": "For monitoring.",
}
STATES = ["healthy", "degraded", "unhealthy"]


@csrf_exempt  # 405 for other methods, which the check for forms would make a 403
@require_safe
def schema_view(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # Django's signature
    """The document, made once per process: it depends on the code alone."""
    response = HttpResponse(_encoded(), content_type=CONTENT_TYPE)
    response["Cache-Control"] = "public, max-age=3600"
    return response


@cache
def document() -> dict[str, Any]:
    """The document."""
    generator = spectacular_settings.DEFAULT_GENERATOR_CLASS()
    found: dict[str, Any] = generator.get_schema(request=None, public=True)
    return found


@cache
def _encoded() -> bytes:
    return json.dumps(document()).encode()


def with_introduction(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS: what all routes have in common, and what they are listed under."""
    result["info"]["description"] = INTRODUCTION.read_text(encoding="utf-8")
    result["tags"] = [{"name": name, "description": words} for name, words in SECTIONS.items()]
    return result


def with_plain_routes(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS: the routes that are no DRF views."""
    result["paths"] |= {
        "/health": {"get": _health()},
        "/health/live": {"get": _plain("health_live", "Whether the process answers at all", {"200": ["alive"]})},
        "/health/ready": {
            "get": _plain(
                "health_ready",
                "Whether the site can serve: the database answers, Redis may be away",
                {"200": ["ready"], "503": ["not-ready"]},
            )
        },
        "/api/schema": {"get": _schema()},
    }
    return result


def with_named_parts(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """drf-spectacular's POSTPROCESSING_HOOKS: what has a title, and the problem, stand once under their names."""
    components = result["components"]
    components["headers"] = HEADERS
    schemas = components["schemas"]
    result["paths"] = _named(result["paths"], schemas)
    components["schemas"] = dict(sorted(schemas.items()))
    return result


def _named(node: Any, schemas: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
    if isinstance(node, list):
        return [_named(each, schemas) for each in node]
    if not isinstance(node, dict):
        return node
    found = {name: value if name in {"example", "examples"} else _named(value, schemas) for name, value in node.items()}
    name = "Problem" if node == PROBLEM else _title(node)
    if name is None:
        return found
    if schemas.setdefault(name, found) != found:
        return found
    return {"$ref": f"#/components/schemas/{name}"}


def _title(node: dict[str, Any]) -> str | None:
    title = node.get("title")
    return title if isinstance(title, str) and node.get("type") == "object" and "properties" in node else None


def _health() -> dict[str, Any]:
    part = {"type": "object", "required": ["status", "connected"], "properties": {"status": {"type": "string"}}}
    body = {
        "type": "object",
        "required": ["status", "redis", "database", "services"],
        "properties": {
            "status": {"type": "string", "enum": STATES},
            "redis": part,
            "database": part,
            "services": {"type": "object", "additionalProperties": {"type": "object"}},
        },
    }
    answer = _json(body)
    return {
        "operationId": "health",
        "summary": "Whether the site, its servers and its sources are well",
        "description": "Hosts, errors and counts are told to staff alone.",
        "tags": ["Operation"],
        "responses": {
            "200": {"description": "The site serves: it is healthy, or degraded.", **answer},
            "503": {"description": "It is unhealthy.", **answer},
        },
    }


def _plain(name: str, summary: str, answers: dict[str, list[str]]) -> dict[str, Any]:
    """A route that says one word."""
    return {
        "operationId": name,
        "summary": summary,
        "tags": ["Operation"],
        "responses": {
            status: {"description": f"It is {words[0]}.", **_json(_status(words))} for status, words in answers.items()
        },
    }


def _status(words: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"type": "string", "enum": words}},
    }


def _schema() -> dict[str, Any]:
    return {
        "operationId": "schema",
        "summary": "This document",
        "tags": ["Operation"],
        "responses": {
            "200": {"description": "OpenAPI 3.1.", "content": {CONTENT_TYPE: {"schema": {"type": "object"}}}}
        },
    }


def _json(body: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": body}}}
