"""The OpenAPI document: complete, with examples that fit, and readable without a script."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from config.openapi import HEADERS
from config.schema import document

WITHOUT_EXAMPLE = {
    "cache_stats", "cache_stats_admin", "connectors_callback_get", "health", "health_live", "health_ready", "metrics",
    "schema",
}  # fmt: skip
"""Operations whose answers are for programs, or are another one's."""
NO_ROUTES = {"/api/docs", "/api/docs/try"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each."""
    for path, methods in document()["paths"].items():
        for method, said in methods.items():
            yield path, method, said


def routes(patterns: Any = None, prefix: str = "/") -> Iterator[str]:
    """The addresses of the API and of monitoring, as the document writes them."""
    for each in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(each.pattern))
        if isinstance(each, URLResolver):
            yield from routes(each.url_patterns, path)
        elif isinstance(each, URLPattern) and path.startswith(("/api/", "/health", "/metrics")):
            yield path


def validator(schema: Any) -> jsonschema_rs.Draft202012Validator:
    """Of a schema that may name the document's components, by the regular expressions of ECMA 262."""
    return jsonschema_rs.Draft202012Validator({"allOf": [schema], "components": document()["components"]})


def examples(said: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Schema and value of each example of a body."""
    for media in said.get("content", {}).values():
        for example in media.get("examples", {}).values():
            yield media["schema"], example["value"]


def test_every_route_is_described() -> None:
    """One that is not is one that nobody finds."""
    assert set(routes()) - NO_ROUTES == {path for path, _, _ in operations()}


def test_operations_have_a_name_of_their_own_a_summary_and_a_section() -> None:
    """What a list of them shows."""
    found = list(operations())
    names = [said["operationId"] for _, _, said in found]
    sections = {tag["name"] for tag in document()["tags"]}
    assert len(set(names)) == len(names)
    assert all(said["summary"] and {*said["tags"]} <= sections for _, _, said in found)
    assert sections == {tag for _, _, said in found for tag in said["tags"]}


def test_summaries_are_plain_text() -> None:
    """Unlike descriptions, which are CommonMark: a reader would show the marks."""
    summaries = {said["operationId"]: said["summary"] for _, _, said in operations()}
    assert not {name for name, summary in summaries.items() if re.search(r"[`*\[\]]", summary)}
    assert summaries["cache_stats"] == "Hits, misses and loads per policy over “window”"


@pytest.mark.django_db
def test_the_reference_says_nothing_twice(client: Client) -> None:
    """A description that is the summary once more."""
    page = client.get("/api/docs").content.decode()
    assert page.count("Hits, misses and loads per policy over") == 2, "once for each of its addresses"


def test_refusals_are_problems_with_their_header_fields() -> None:
    """Whoever is refused learns why, and when to try again."""
    for path, _, said in operations():
        for status, answer in said["responses"].items():
            if status < "400" or path.startswith("/health"):
                continue
            assert list(answer["content"]) == ["application/problem+json"], (path, status)
            wanted = {"401": {"WWW-Authenticate"}, "429": {"Retry-After"}, "503": {"Retry-After"}}.get(status, set())
            assert wanted <= answer.get("headers", {}).keys(), (path, status)


@pytest.mark.parametrize(
    ("operation", "status", "names"),
    [
        ("weather_current", "200", {"Cache-Status", "Age", "ETag", "Cache-Control"}),
        ("weather_current", "304", {"Cache-Status", "Age", "ETag", "Cache-Control"}),
        ("news", "200", {"Cache-Status", "RateLimit", "RateLimit-Policy"}),
        ("chat", "429", {"RateLimit", "RateLimit-Policy", "Retry-After"}),
        ("auth_token", "401", {"WWW-Authenticate"}),
        ("aura_create", "201", {"Location", "RateLimit"}),
        ("connectors_extract", "202", {"Location"}),
    ],
)
def test_answers_name_their_header_fields(operation: str, status: str, names: set[str]) -> None:
    """Those of the cache, of limits, and of what was made."""
    [said] = [each for _, _, each in operations() if each["operationId"] == operation]
    assert names <= said["responses"][status]["headers"].keys()


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("weather_places", {"400", "406", "503"}),
        ("profile_read", {"400", "401", "403", "406", "503"}),
        ("aura_create", {"400", "401", "403", "406", "409", "411", "413", "415", "429", "503"}),
        ("auth_token", {"400", "401", "406", "411", "413", "415", "429", "503"}),
        ("connectors_callback_get", {"400", "401", "403", "502", "503"}),
    ],
)
def test_refusals_follow_from_what_a_view_is(operation: str, statuses: set[str]) -> None:
    """Its authentication, its body, its limits, and whether it minds what is accepted."""
    [said] = [each for _, _, each in operations() if each["operationId"] == operation]
    assert {status for status in said["responses"] if status >= "400"} == statuses


def test_header_fields_are_described_once() -> None:
    """All that answers name are there."""
    named = {
        name
        for _, _, said in operations()
        for answer in said["responses"].values()
        for name in answer.get("headers", {})
    }
    assert named == HEADERS.keys() == document()["components"]["headers"].keys()


def test_examples_fit_their_schemas() -> None:
    """An example that is refused teaches the wrong thing."""
    for path, method, said in operations():
        for part in (said.get("requestBody", {}), *said["responses"].values()):
            for schema, value in examples(part):
                found = [error.message for error in validator(schema).iter_errors(value)]
                assert not found, (method, path, found)


def test_every_operation_has_an_example_of_its_answer() -> None:
    """And of its body, where it takes one."""
    lacking = set()
    for _, _, said in operations():
        good = [answer for status, answer in said["responses"].items() if status.startswith("2")]
        body = said.get("requestBody")
        if not any(any(examples(each)) for each in good) or (body and not any(examples(body))):
            lacking.add(said["operationId"])
    assert lacking == WITHOUT_EXAMPLE


def test_bodies_that_need_something_are_required() -> None:
    """Else nothing at all would be a valid body."""
    for path, method, said in operations():
        body = said.get("requestBody")
        if body and method in {"post", "put"}:
            schemas = [media["schema"] for media in body["content"].values()]
            assert body.get("required") or all(validator(each).is_valid({}) for each in schemas), path


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/docs", "/api/docs/try"])
def test_the_pages_keep_to_the_strict_policy(client: Client, path: str) -> None:
    """No script and no style in the page, and nothing from another machine."""
    response = client.get(path)
    page = response.content.decode()
    assert response.status_code == 200
    assert "unsafe" not in response["Content-Security-Policy"]
    assert response["Cache-Control"] == "private, no-cache"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|javascript:", page)
    assert not re.search(r"""(?:src|href)=["'](?:https?:)?//""", page)


@pytest.mark.django_db
def test_the_reference_shows_every_operation_without_a_script(client: Client) -> None:
    """With its parameters, answers and header fields."""
    page = client.get("/api/docs").content.decode()
    assert "<script" not in page
    for path, method, said in operations():
        assert f'id="{said["operationId"]}"' in page
        assert method.upper() in page
        assert path in page
    assert "<code>Cache-Status</code>" in page
    assert "correct horse battery" in page


def test_the_document_is_openapi_3_1(client: Client) -> None:
    """As its own media type, and for everybody to keep."""
    response = client.get("/api/schema")
    assert response["Content-Type"] == "application/vnd.oai.openapi+json"
    assert response.json()["openapi"].startswith("3.1")


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/api/schema"])
def test_routes_without_forms_answer_other_methods_with_405(path: str) -> None:
    """Not with the refusal of a form without a token, which is a page."""
    response = Client(enforce_csrf_checks=True).post(path)
    assert response.status_code == 405
    assert "GET" in response["Allow"]
