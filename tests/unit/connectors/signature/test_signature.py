"""Areas, traits and clusters at their edges."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
import pytest

from connectors.schema import Signature
from connectors.signature import words
from connectors.signature.areas import Seen, area_of
from connectors.signature.reading import signature_of

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
TITLE_OF = {
    "music": "jazz",
    "work": "invoice",
    "sport": "tennis",
    "family": "grandma",
    "learning": "lecture",
    "travel": "passport",
    "health": "yoga",
    "food": "soup recipe",
}


def item(
    title: str = "", *labels: str, at: datetime = MONDAY, kind: str = "messages", platform: str = "chirper"
) -> Seen:
    """A message on a Monday at noon, unless told otherwise."""
    return Seen(platform, kind, title, labels, at)


def score(name: str, items: Iterable[Seen]) -> int:
    """One trait's score."""
    return next(trait.score for trait in signature_of(1, items).traits if trait.name == name)


def at(*hours: float) -> list[Seen]:
    """Items so many hours after Monday's midnight."""
    return [item(at=MONDAY + timedelta(hours=hour - 12)) for hour in hours]


def test_no_word_is_in_two_areas() -> None:
    """Or an item's area would depend on the order of the table."""
    assert len(words.AREA_OF_WORD) == words.WORDS
    assert set(words.AREA_OF_WORD.values()) == set(words.AREAS)
    assert words.OTHER not in words.AREAS
    assert all(word == word.lower() for word in words.AREA_OF_WORD)


@pytest.mark.parametrize(
    ("seen", "area"),
    [
        (item("Yoga"), "health"),
        (item("YOGA!"), "health"),
        (item("yogamats"), "other"),
        (item("", "drum and bass"), "other"),
        (item("sleep-tracking_thing"), "health"),
        (item("lo-fi"), "work"),
        (item("yoga yoga yoga", "jazz"), "music"),
        (item("yoga, tennis and running"), "sport"),
        (item("yoga and tennis"), "sport"),
        (item("tennis and yoga"), "sport"),
        (item("Something", kind="plays"), "music"),
        (item("Something", kind="repositories"), "work"),
        (item("Something", kind="events"), "other"),
        (item("Tennis", kind="plays"), "sport"),
        (item("музыка 東京"), "other"),
        (item(), "other"),
    ],
)
def test_the_area_of_an_item(seen: Seen, area: str) -> None:
    """By the weight of its words, then by the order of the areas, then by its kind."""
    assert area_of(seen) == area


def test_without_items_there_is_nothing_to_say() -> None:
    """No trait is made up."""
    assert signature_of(7, []) == Signature(
        user_id=7, method="keywords-1", items=0, platforms={}, first_at=None, last_at=None, traits=(), clusters=()
    )


def test_the_order_of_the_items_does_not_matter() -> None:
    """Not in a single byte of the answer."""
    random = Random(4)
    pool = [
        item(
            random.choice([*TITLE_OF.values(), "nothing"]),
            *random.sample(["a", "b", "c", "d", "e", "f"], 3),
            at=MONDAY + timedelta(minutes=random.randrange(500_000)),
            platform=random.choice(["chirper", "daybook"]),
        )
        for _ in range(300)
    ]
    first = msgspec.json.encode(signature_of(1, pool))
    for _ in range(5):
        random.shuffle(pool)
        assert msgspec.json.encode(signature_of(1, pool)) == first


def test_curiosity() -> None:
    """One area is 0, all alike are 100; what is in none does not count."""
    everything = [item(title) for title in TITLE_OF.values()]
    assert [area_of(each) for each in everything] == list(TITLE_OF)
    assert score("curiosity", everything) == 100
    assert score("curiosity", [*everything, *[item("nothing")] * 50]) == 100
    assert score("curiosity", [item("jazz")] * 9) == 0
    assert score("curiosity", [item("nothing")]) == 0
    assert score("curiosity", [item("jazz"), item("yoga")]) == 33  # ln 2 of ln 8


def test_early_bird() -> None:
    """Six hours of the morning against six of the night."""
    assert score("early_bird", at(5, 10.99)) == 100
    assert score("early_bird", at(21, 23.9, 0, 2.99)) == 0
    assert score("early_bird", at(4.9, 11, 20.9, 3)) == 50
    assert score("early_bird", at(6, 7, 22)) == 67


def test_rhythm() -> None:
    """One time of day is 100, also across midnight; opposite times are 0."""
    assert score("rhythm", at(8, 8 + 24, 8 + 48)) == 100
    assert score("rhythm", at(8, 20)) == 0
    assert score("rhythm", at(0, 6, 12, 18)) == 0
    assert score("rhythm", at(23.5, 24.5)) == score("rhythm", at(11.5, 12.5)) == 99
    assert score("rhythm", at(0, 6)) == 71  # the square root of a half


def test_leisure() -> None:
    """Per day: as many on two days as on five count more."""
    monday, saturday = at(12)[0], at(12 + 5 * 24)[0]
    assert score("leisure", [monday]) == 0
    assert score("leisure", [saturday]) == 100
    assert score("leisure", [monday] * 5 + [saturday] * 2) == 50
    assert score("leisure", [monday, saturday]) == 71


def test_constancy() -> None:
    """Weeks begin on Monday."""
    week = 7 * 24
    assert score("constancy", at(0)) == 100
    assert score("constancy", at(0, week - 0.1)) == 100
    assert score("constancy", at(0, 2 * week)) == 67
    assert score("constancy", at(-1, 0)) == 100
    assert score("constancy", at(0, 9 * week)) == 20


def test_clusters_are_in_their_order() -> None:
    """By size, then by name; `other` last, however large it is."""
    seen = [item("nothing")] * 5 + [item("yoga"), item("jazz"), item("tennis"), item("tennis")]
    assert [cluster.name for cluster in signature_of(1, seen).clusters] == ["sport", "health", "music", "other"]


def test_a_cluster() -> None:
    """Its most frequent labels, its platforms, its hour; of equal ones the first."""
    seen = [
        item("jazz", "b", "a", "c", "d", "e", "f", at=MONDAY),
        item("jazz", "c", at=MONDAY + timedelta(hours=2), platform="tunebox"),
        item("yoga"),
    ]
    music, _ = signature_of(1, seen).clusters
    assert (music.share, music.items, music.peak_hour) == (0.6667, 2, 12)
    assert music.labels == ("c", "a", "b", "d", "e")
    assert music.platforms == ("chirper", "tunebox")


def test_times_and_platforms() -> None:
    """The first and the last, and how many of each platform by its name."""
    found = signature_of(1, [item(platform="tunebox"), *at(40, 3)])
    assert (found.first_at, found.last_at) == (MONDAY - timedelta(hours=9), MONDAY + timedelta(hours=28))
    assert list(found.platforms.items()) == [("chirper", 2), ("tunebox", 1)]
