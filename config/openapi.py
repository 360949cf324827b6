"""How the OpenAPI document describes a route: what its view class says already, so that no view has to repeat it."""

from __future__ import annotations

import re
from typing import Any

from django.core.validators import RegexValidator
from drf_spectacular.drainage import has_override
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.views import APIView

from accounts.rest.changes import ChangeSerializer
from accounts.validators import validate_plain_text
from assistant.validators import validate_text
from auras.validators import KIND, validate_kind
from cache_platform.rest.problems import CONTENT_TYPE
from cache_platform.rest.schema import PROBLEM
from config.api_examples import EXAMPLES, PARAMETERS

Schema = dict[str, Any]

TAGS = {
    "/api/auth/": "Sign-in",
    "/api/profile": "Account",
    "/api/subscription": "Account",
    "/api/weather/": "Weather",
    "/api/news": "News",
    "/api/oauth-connections": "Connectors",
    "/api/connectors/": "Connectors",
    "/api/extraction-jobs/": "Connectors",
    "/api/signature/": "Connectors",
    "/api/auras": "Auras",
    "/api/cache/": "Cache",
    "/api/admin/cache-stats": "Cache",
    "/metrics": "Operation",
    "/api/": "Assistant",
}
"""What a route is listed under, by the first of these that its address begins with."""

MEANINGS = {
    "200": "Done.",
    "201": "Made.",
    "202": "Begun.",
    "303": "A browser is sent on to the connectors' page.",
    "304": "The client has this data already.",
    "400": "The request is not valid; `errors` says by field what is wrong.",
    "401": "There is no credential, or it is not good.",
    "403": "The credential is good, and does not allow this; or the session's CSRF token is missing.",
    "404": "There is nothing here, or it is somebody else's.",
    "406": "None of the forms that the client accepts is to be had.",
    "409": "It is there already, or there are as many as may be.",
    "411": "The body has no Content-Length.",
    "413": "The body is too large.",
    "415": "The body is of a kind that is not read here.",
    "422": "The model has no answer to this.",
    "429": "Too many requests; try again after `Retry-After` seconds.",
    "502": "The platform answered something else than it promises.",
    "503": "What this needs does not answer; try again after `Retry-After` seconds.",
}

RATE_LIMIT = ("RateLimit", "RateLimit-Policy")
AFTER_LIMIT = {"200", "201", "202", "304", "400", "404", "409", "413", "415", "422", "429", "503"}
"""Statuses of answers that may have passed a rate limit."""
HEADERS: dict[str, Schema] = {
    "Cache-Status": {
        "description": "What the cache did (RFC 9211).",
        "schema": {"type": "string", "pattern": "^CachePlatform; ", "examples": ["CachePlatform; hit; ttl=376"]},
    },
    "Age": {"description": "Seconds since it was loaded (RFC 9111).", "schema": {"type": "integer", "minimum": 0}},
    "ETag": {
        "description": "Weak, over `data` alone.",
        "schema": {"type": "string", "pattern": '^W/"[0-9a-f]{24}"$'},
    },
    "Cache-Control": {
        "description": "Who may keep the answer, and for how long.",
        "schema": {"type": "string", "pattern": "^(public, max-age=[0-9]+|private, no-cache|no-store)$"},
    },
    "Location": {
        "description": "Where it is, or where to ask how far it is.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "RateLimit": {
        "description": "What is left, and for how many seconds at the most.",
        "schema": {
            "type": "string",
            "pattern": '^"[a-z0-9_]+";r=[0-9]+;t=[0-9]+$',
            "examples": ['"search";r=29;t=60'],
        },
    },
    "RateLimit-Policy": {
        "description": "The limit, and its window in seconds.",
        "schema": {
            "type": "string",
            "pattern": '^"[a-z0-9_]+";q=[0-9]+;w=[0-9]+$',
            "examples": ['"search";q=30;w=60'],
        },
    },
    "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {
        "description": "How to identify oneself (RFC 9110).",
        "schema": {"type": "string", "examples": ['Bearer realm="api"']},
    },
}
"""The header fields of answers. Each stands once in the document, and by name in the answers that have it."""
for _name in HEADERS.keys() - set(RATE_LIMIT):  # a limit in shadow is not told of
    HEADERS[_name]["required"] = True
OF_REFUSALS = {"401": ("WWW-Authenticate",), "429": ("Retry-After",), "503": ("Retry-After",)}

ANY = (r"[^\x00]", r"[^\s\x00\x1c-\x1f\x85]")
PLAIN = (r"[\p{L}\p{M}\p{N}\p{P}\p{S} ]", r"[\p{L}\p{M}\p{N}\p{P}\p{S}]")
LINES = (r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", r"[^\s\x00-\x1f\x7f-\x9f]")
LETTERS = ((validate_plain_text, PLAIN), (validate_text, LINES))
"""What the validators of texts allow: which letters at all, and which of them are no space (ECMA 262)."""


class SiteSchema(AutoSchema):
    """The description of one route."""

    def get_tags(self) -> list[str]:
        """See TAGS."""
        return [next(tag for start, tag in TAGS.items() if self.path.startswith(start))]

    def get_summary(self) -> str | None:
        """The first sentence of the description, or as much of it as says what the route does."""
        return summary_of(self.get_description())

    def get_examples(self) -> list[OpenApiExample]:
        """See api_examples."""
        return EXAMPLES.get(self.get_operation_id(), [])

    def _get_parameters(self) -> list[Schema]:
        parameters: list[Schema] = super()._get_parameters()
        for each in parameters:
            if each["name"] in PARAMETERS and "example" not in each:
                each["example"] = PARAMETERS[each["name"]]
            if each["in"] == "query" and not each.get("required"):
                each["allowEmptyValue"] = True  # as forms send what was not filled in
        if self._is_cached:
            described = "The `ETag` of an earlier answer: 304 while that is the newest."
            parameters.append(
                {"in": "header", "name": "If-None-Match", "schema": {"type": "string"}, "description": described}
            )
        return parameters

    def _get_request_body(self, direction: Any = "request") -> Schema | None:  # noqa: ANN401  # as it has it
        body: Schema | None = super()._get_request_body(direction)  # type: ignore[no-untyped-call]
        if body is not None and isinstance(self.get_request_serializer(), dict):
            body["required"] = True
        return body

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:  # noqa: ANN401  # as it has it
        schema: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if isinstance(serializer, ChangeSerializer):
            schema |= {"additionalProperties": False, **serializer.also}
        return schema

    def _insert_field_validators(self, field: Any, schema: Schema) -> None:  # noqa: ANN401  # as it has it
        if has_override(field, "field"):  # which says all
            return
        bare = not any(isinstance(each, RegexValidator) for each in field.validators)  # a URLValidator is one too
        if type(field) is serializers.CharField and schema.get("type") == "string" and bare:
            schema.update(text_schema(field) | {name: value for name, value in schema.items() if name == "pattern"})
        else:
            super()._insert_field_validators(field, schema)  # type: ignore[no-untyped-call]

    def _get_response_bodies(self, direction: Any = "response") -> Schema:  # noqa: ANN401  # as it has it
        found: Schema = super()._get_response_bodies(direction)
        for status in self._always():
            found.setdefault(status, {"content": {CONTENT_TYPE: {"schema": PROBLEM}}})
        for status, response in found.items():
            self._finish(status, response)
        return dict(sorted(found.items()))

    def _finish(self, status: str, response: Schema) -> None:
        if not response.get("description") or response["description"] == "No response body":
            response["description"] = MEANINGS[status]
        names = [*response.get("headers", {}), *OF_REFUSALS.get(status, ())]
        if self._limit and status in AFTER_LIMIT:
            names += RATE_LIMIT
        if names:
            response["headers"] = {name: header(name, status) for name in names}

    @property
    def _is_cached(self) -> bool:
        return any(getattr(each, "name", "") == "ETag" for each in self.get_override_parameters())

    @property
    def _limit(self) -> str | None:
        """The name of the rate limit that stands before the route."""
        named: str | None = self.get_extensions().get("x-rate-limit")
        return named or next((getattr(each, "preset", None) for each in self.view.throttle_classes), None)

    def _always(self) -> set[str]:
        """Statuses that follow from what the view is, rather than from what it does."""
        statuses = {"503"}
        if self.view.get_authenticators():
            statuses |= {"400", "401", "403"}  # 400: a token and a key at once
        if self.method in {"POST", "PUT", "PATCH"} and self.get_request_serializer() is not None:
            statuses |= {"400", "411", "413", "415"}
        if self._limit:
            statuses.add("429")
        if self._negotiates:
            statuses.add("406")
        return statuses

    @property
    def _negotiates(self) -> bool:
        kind = type(self.view)
        forced = kind.perform_content_negotiation is not APIView.perform_content_negotiation
        return not forced and self.view.content_negotiation_class is DefaultContentNegotiation


def summary_of(description: str) -> str | None:
    """What stands before the first colon, semicolon or full stop, and does not say how it is done; as plain text, which
    summaries are."""
    found = re.match(r"(.+?)(?:, through the cache|[:;.])(?:[\s:;.,]|$)", " ".join(description.split()))
    return plain(found[1]) if found else None


def plain(text: str) -> str:
    """CommonMark as plain text: code is in quotes."""
    return re.sub(r"`(.+?)`", r"“\1”", text)


def header(name: str, status: str) -> Schema:
    """The description of a header field of an answer with that status."""
    if name == "Location" and status == "409":
        return {**HEADERS[name], "required": False}  # there is none where there are only too many
    return {"$ref": f"#/components/headers/{name}"}


def text_schema(field: serializers.CharField) -> Schema:
    """What a text may be: how long it is, and of which letters."""
    letters, visible = next((letters for check, letters in LETTERS if check in field.validators), ANY)
    if field.allow_blank:
        pattern = f"^{letters}*$"
    elif field.trim_whitespace:
        pattern = f"^{letters}*{visible}{letters}*$"
    else:
        pattern = f"^{letters}+$"
    if validate_kind in field.validators:
        pattern = f"^{KIND.pattern}$"
    schema: Schema = {"pattern": pattern}
    if not field.allow_blank:
        schema["minLength"] = 1
    if field.max_length is not None:
        schema["maxLength"] = field.max_length
    return schema
