"""The signature from the database and through the cache."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.connections import disconnect
from connectors.models import ExtractedItem, PlatformConnection
from connectors.signature import load_signature, read_signature, reading
from tests.integration.connectors.extractions import queued, run
from tests.integration.connectors.people import Person, connect, new_person
from tests.services.sandbox import SandboxUnderTest

START = datetime(2026, 1, 1, tzinfo=UTC)


def add_items(person: Person, provider: str, count: int, *, title: str = "Yoga") -> None:
    """So many items of a platform, an hour apart."""
    connection, _ = PlatformConnection.objects.get_or_create(
        user=person.user, provider=provider, defaults={"status": "connected"}
    )
    ExtractedItem.objects.bulk_create(
        ExtractedItem(
            connection=connection,
            user=person.user,
            item_id=str(number),
            kind="messages",
            title=title,
            labels=["x"],
            happened_at=START + timedelta(hours=number),
        )
        for number in range(count)
    )


def test_it_is_loaded_in_one_query(person: Person, django_assert_num_queries: Any) -> None:
    """Two for somebody without items, None for nobody."""
    add_items(person, "chirper", 3)
    with django_assert_num_queries(1):
        found = load_signature(person.id)
    assert found is not None
    assert (found.items, found.platforms, len(found.traits)) == (3, {"chirper": 3}, 5)
    stranger = new_person()
    with django_assert_num_queries(2):
        empty = load_signature(stranger.id)
    assert empty is not None
    assert (empty.items, empty.traits, empty.clusters) == (0, (), ())
    assert load_signature(10**9) is None


def test_the_newest_items_count(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all platforms together; of equal times always the same ones."""
    monkeypatch.setattr(reading, "MOST_ITEMS", 5)
    add_items(person, "chirper", 4, title="Jazz")
    add_items(person, "daybook", 4)
    found = load_signature(person.id)
    assert found is not None
    assert (found.items, found.first_at) == (5, START + timedelta(hours=1))
    assert found.platforms == {"chirper": 3, "daybook": 2}


def test_platforms_that_were_disconnected_do_not_count(person: Person) -> None:
    """Nor do other people's items."""
    add_items(person, "chirper", 3)
    add_items(person, "daybook", 2)
    add_items(new_person(), "tunebox", 4)
    PlatformConnection.objects.filter(user=person.user, provider="chirper").update(status="disconnected")
    found = load_signature(person.id)
    assert found is not None
    assert found.platforms == {"daybook": 2}


def test_an_extraction_and_a_disconnection_supersede_it(platforms: SandboxUnderTest, person: Person) -> None:
    """It is read from the cache in between, and never old."""
    for provider in ("tunebox", "daybook"):
        connect(platforms, person.token, provider)
    assert [read_signature(person.id).cached for _ in range(2)] == [False, True]
    jobs = {provider: run(queued(person.id, provider)) for provider in ("tunebox", "daybook")}
    full = read_signature(person.id)
    assert not full.cached
    assert full.value is not None
    assert full.value.platforms == {name: job.items_done for name, job in jobs.items()}
    assert len(full.value.traits) == 5
    assert sum(cluster.items for cluster in full.value.clusters) == full.value.items
    assert read_signature(person.id).cached
    disconnect(person.id, "tunebox")
    rest = read_signature(person.id)
    assert not rest.cached
    assert rest.value is not None
    assert list(rest.value.platforms) == ["daybook"]
