"""The connectors' reads over REST: through the cache, and of one's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from uuid import uuid4

import pytest
from django.http import HttpResponse

from cache_platform import invalidate
from tests.integration.connectors.people import Person, Way, connect, new_person
from tests.services.sandbox import SandboxUnderTest

Queries = Callable[[int], AbstractContextManager[Any]]
VARY = {"Authorization", "Cookie", "X-API-Key"}


def read_job_of(person: Person) -> str:
    """The route of a job of that person's, who is connected with tunebox."""
    answer = person.token.post(f"/api/connectors/tunebox/{person.id}/extract")
    assert answer.status_code == 202, answer.content
    return f"/api/extraction-jobs/{answer.json()['data']['job_id']}"


def routes_of(person: Person) -> list[str]:
    """All routes of reads that name whose they are."""
    return [person.status_path, f"/api/signature/{person.id}", read_job_of(person)]


def assert_private(answer: HttpResponse) -> None:
    """No shared cache may keep it."""
    assert answer["Cache-Control"] == "private, no-cache"
    assert set(answer["Vary"].replace(" ", "").split(",")) >= VARY


@pytest.mark.parametrize("way", ["session", "token", "key"])
def test_the_second_read_asks_no_database(
    platforms: SandboxUnderTest, person: Person, way: str, django_assert_num_queries: Queries
) -> None:
    """Neither for who asks nor for what is read: of the status, the connections, a job and the signature."""
    connect(platforms, person.token, "tunebox")
    for path in [*routes_of(person), "/api/oauth-connections"]:
        first = person.ways[way].get(path)
        assert first.status_code == 200, first.content
        with django_assert_num_queries(0):
            second = person.ways[way].get(path)
        assert second.json() == {**first.json(), "cached": True}
        assert second["Cache-Status"].startswith("CachePlatform; hit; ttl=")
        assert "Age" in second
        assert_private(second)


def test_the_first_read_loads_and_says_so(person: Person) -> None:
    """`cached` is false, and the entry is stored."""
    invalidate(f"user:{person.id}")  # what the sign-in has warmed
    for path in (person.status_path, "/api/oauth-connections", f"/api/signature/{person.id}"):
        answer = person.token.get(path)
        assert answer.json()["cached"] is False
        assert answer["Cache-Status"] == "CachePlatform; fwd=uri-miss; stored"


def test_an_etag_saves_the_body(person: Person) -> None:
    """It covers the data alone: a hit and a miss have the same one."""
    invalidate(f"user:{person.id}")
    tags = {person.token.get(person.status_path)["ETag"] for _ in range(2)}
    assert len(tags) == 1
    assert person.token.get(person.status_path, **{"If-None-Match": tags.pop()}).status_code == 304


def test_anothers_is_the_404_of_nobodys(platforms: SandboxUnderTest, person: Person) -> None:
    """Whether the other one exists cannot be told, and nothing of theirs is changed; the cache may be warm."""
    other = new_person()
    connect(platforms, other.token, "tunebox")
    paths = routes_of(other)
    for path in paths:
        assert other.token.get(path).status_code == 200
    nobody = [path.replace(f"/{other.id}", "/99999999") for path in paths[:2]] + [f"/api/extraction-jobs/{uuid4()}"]
    for way in person.ways.values():
        for theirs, nobodys in zip(paths, nobody, strict=True):
            assert_same_404(way.get(theirs), way.get(nobodys))
        for name in ("tunebox", "chirper"):
            path = "/api/connectors/{}/{}"
            assert_same_404(way.delete(path.format(name, other.id)), way.delete(path.format(name, 99999999)))
            path += "/extract"
            assert_same_404(way.post(path.format(name, other.id)), way.post(path.format(name, 99999999)))
        reset = "/api/connectors/reset/{}"
        assert_same_404(way.post(reset.format(other.id)), way.post(reset.format(99999999)))
    assert other.status()["data"]["connected"] == 1


def assert_same_404(one: HttpResponse, other: HttpResponse) -> None:
    """Byte for byte."""
    assert (one.status_code, other.status_code) == (404, 404)
    assert one.content == other.content
    assert one["Content-Type"] == "application/problem+json"


def test_staff_may_see_and_change_everybodys(platforms: SandboxUnderTest, person: Person) -> None:
    """And get 404 for a user who is not there. To change it takes the permission, which superusers have."""
    admin = new_person(is_staff=True, is_superuser=True)
    looking = new_person(is_staff=True)
    connect(platforms, person.token, "tunebox")
    connect(platforms, person.token, "chirper")
    for way in admin.ways.values():
        for path in routes_of(person):
            assert way.get(path).status_code == 200
        assert way.get("/api/oauth-connections").json()["data"]["total"] == 0
        assert looking.token.get(path).status_code == 200
    assert looking.token.post(f"/api/connectors/tunebox/{person.id}/extract").status_code == 403
    assert looking.token.delete(f"/api/connectors/tunebox/{person.id}").status_code == 403
    assert looking.token.post(f"/api/connectors/reset/{person.id}").status_code == 403
    assert person.status()["data"]["connected"] == 2
    assert admin.token.post(f"/api/connectors/tunebox/{person.id}/extract").status_code == 202
    assert admin.token.delete(f"/api/connectors/tunebox/{person.id}").status_code == 200
    assert admin.token.post(f"/api/connectors/reset/{person.id}").status_code == 200
    assert person.status()["data"]["connected"] == 0
    for number in ("99999999", "9" * 30):
        for path in ("/api/connectors/status/", "/api/signature/"):
            assert admin.token.get(path + number).status_code == 404
        assert admin.token.post(f"/api/connectors/reset/{number}").status_code == 404
        assert admin.token.delete(f"/api/connectors/tunebox/{number}").status_code == 404
        assert admin.token.post(f"/api/connectors/tunebox/{number}/extract").status_code == 404


def test_strangers_get_nothing(platforms: SandboxUnderTest, person: Person) -> None:
    """401, whatever is warm."""
    connect(platforms, person.token, "tunebox")
    nobody = Way(type(person.token.client)(), {})
    for path in [*routes_of(person), "/api/oauth-connections"]:
        person.token.get(path)
        assert nobody.get(path).status_code == 401
    assert nobody.post("/api/connectors/tunebox/authorize").status_code == 401
    assert nobody.post(f"/api/connectors/reset/{person.id}").status_code == 401
    assert nobody.delete(f"/api/connectors/tunebox/{person.id}").status_code == 401
    assert nobody.post(f"/api/connectors/tunebox/{person.id}/extract").status_code == 401


@pytest.mark.parametrize(
    "path",
    ["/api/connectors/status/me", "/api/connectors/status/-1", "/api/signature/1.5", "/api/extraction-jobs/1"],
)
def test_what_is_no_id_is_a_404(person: Person, path: str) -> None:
    """As a problem response."""
    answer = person.token.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_extracting_needs_a_connection_that_works(platforms: SandboxUnderTest, person: Person) -> None:
    """404 where there never was one, 409 where there is none now."""
    path = f"/api/connectors/tunebox/{person.id}/extract"
    assert person.token.post(path).status_code == 404
    connect(platforms, person.token, "tunebox")
    person.token.delete(f"/api/connectors/tunebox/{person.id}")
    refused = person.token.post(path)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:problem:not-working"


def test_extracting_is_answered_before_it_is_done(platforms: SandboxUnderTest, person: Person) -> None:
    """202 with the job's number, and where to ask for it."""
    connect(platforms, person.token, "tunebox")
    answer = person.token.post(f"/api/connectors/tunebox/{person.id}/extract")
    assert answer.status_code == 202
    assert answer["Location"] == f"/api/extraction-jobs/{answer.json()['data']['job_id']}"
    job = person.token.get(answer["Location"]).json()["data"]
    assert (job["user_id"], job["provider"]) == (person.id, "tunebox")
    assert job["state"] in {"queued", "running", "completed"}
    assert 0 <= job["progress"] <= 1
