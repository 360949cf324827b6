"""The OpenAPI document as a reference to read: what a page shows without a script."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from config.openapi import plain

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """What goes into the address, a header field or the body; `place` says into which."""

    name: str
    place: str
    kind: str
    required: bool
    description: SafeString


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What comes back with a status. `headers` are the names of its header fields."""

    status: str
    description: SafeString
    headers: tuple[str, ...]
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One route with one method."""

    name: str
    method: str
    path: str
    summary: str
    description: SafeString
    signed_in: bool
    parameters: tuple[Parameter, ...]
    fields: tuple[Parameter, ...]
    body: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The operations under one heading."""

    name: str
    description: str
    operations: tuple[Operation, ...]


def marked(text: str) -> SafeString:
    """The text as HTML, what stands in backticks as code."""
    kinds = ("{}", "<code>{}</code>")
    return format_html_join("", "{}", ((format_html(kinds[at % 2], part),) for at, part in enumerate(text.split("`"))))


def sections(document: dict[str, Any]) -> list[Section]:
    """The document's operations by their tags, in the order of these."""
    found = [
        _operation(path, method, said, document["components"]["schemas"])
        for path, methods in document["paths"].items()
        for method, said in methods.items()
        if method in METHODS
    ]
    tags = [said["tags"][0] for methods in document["paths"].values() for said in methods.values()]
    return [
        Section(
            name=tag["name"],
            description=tag["description"],
            operations=tuple(each for each, name in zip(found, tags, strict=True) if name == tag["name"]),
        )
        for tag in document["tags"]
    ]


def _operation(path: str, method: str, said: dict[str, Any], schemas: dict[str, Any]) -> Operation:
    description = said.get("description", "")
    return Operation(
        name=said["operationId"],
        method=method.upper(),
        path=path,
        summary=said["summary"],
        description=marked("" if plain(description).rstrip(".") == said["summary"] else description),
        signed_in=bool(said.get("security")),
        parameters=tuple(_parameter(each) for each in said.get("parameters", ())),
        fields=tuple(_fields(said.get("requestBody", {}), schemas)),
        body=_example(said.get("requestBody", {})),
        answers=tuple(_answer(status, each) for status, each in said["responses"].items()),
    )


def _parameter(said: dict[str, Any]) -> Parameter:
    return Parameter(
        name=said["name"],
        place=said["in"],
        kind=_kind(said["schema"]),
        required=bool(said.get("required")),
        description=marked(said.get("description", "")),
    )


def _fields(said: dict[str, Any], schemas: dict[str, Any]) -> Iterator[Parameter]:
    """What a body may hold, of each kind of body."""
    for media, body in said.get("content", {}).items():
        schema = _resolved(body["schema"], schemas)
        for name, each in schema["properties"].items():
            yield Parameter(
                name=name,
                place=media,
                kind=_kind(_resolved(each, schemas)),
                required=name in schema.get("required", ()),
                description=marked(each.get("description", "")),
            )


def _resolved(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, where it is only named."""
    if "$ref" in schema:
        return dict(schemas[schema["$ref"].rpartition("/")[2]])
    if len(schema.get("allOf", ())) == 1:
        return _resolved(schema["allOf"][0], schemas) | {name: schema[name] for name in schema if name != "allOf"}
    return schema


def _kind(schema: dict[str, Any]) -> str:
    """What a value may be, in words."""
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(filter(None, map(_kind, choices)))
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return ", ".join(str(each) for each in schema["enum"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = " or ".join([str(schema["format"]), *types[1:]] if "format" in schema else types)
    if "maxLength" in schema:
        kind += f" of up to {schema['maxLength']} characters"
    if "minimum" in schema and schema.get("maximum", 2**53) < 2**53:
        kind += f" from {schema['minimum']} to {schema['maximum']}"
    return kind if "default" not in schema else f"{kind}; {schema['default']} without it"


def _answer(status: str, said: dict[str, Any]) -> Answer:
    return Answer(
        status=status,
        description=marked(said["description"]),
        headers=tuple(said.get("headers", ())),
        example=_example(said),
    )


def _example(said: dict[str, Any]) -> str:
    """The first example, indented; empty without one."""
    for media in said.get("content", {}).values():
        for example in media.get("examples", {}).values():
            return json.dumps(example["value"], indent=2, ensure_ascii=False)
    return ""
