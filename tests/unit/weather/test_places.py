"""The search for places: any language, accents or not, the best known first."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weather import places
from weather.places import get_place, normalise, search_places


@pytest.mark.parametrize(
    ("q", "name", "country"),
    [
        ("berlin", "Berlin", "DE"),
        ("BERLIN", "Berlin", "DE"),
        ("  berlin ", "Berlin", "DE"),
        ("Köln", "Köln", "DE"),
        ("koln", "Köln", "DE"),
        ("Cologne", "Köln", "DE"),
        ("sao paulo", "São Paulo", "BR"),
        ("lodz", "Łódź", "PL"),
        ("saint denis", "Saint-Denis", "RE"),
        ("st louis", "St. Louis", "US"),
        ("new york", "New York City", "US"),
        ("москва", "Moscow", "RU"),
        ("東京", "Tokyo", "JP"),
        ("القاهرة", "Cairo", "EG"),
        ("copenh", "Copenhagen", "DK"),
    ],
)
def test_the_expected_place_comes_first(q: str, name: str, country: str) -> None:
    """Names and other names, without case, accents and punctuation."""
    first = search_places(q)[0]
    assert (first.name, first.country_code) == (name, country)


def test_whole_names_come_before_beginnings_and_large_before_small() -> None:
    """Paris in France, then the smaller ones, then names that begin so."""
    found = search_places("paris", limit=10)
    exact = [place for place in found if normalise(place.name) == "paris"]
    assert found[: len(exact)] == exact
    assert [place.country_code for place in exact[:2]] == ["FR", "US"]
    assert [place.population for place in exact] == sorted((p.population for p in exact), reverse=True)
    assert any(normalise(place.name).startswith("paris ") for place in found)


def test_places_tell_where_they_are() -> None:
    """Enough to tell two of one name apart, and for the weather."""
    place = next(place for place in search_places("springfield", limit=50) if place.admin_area == "Illinois")
    assert (place.country_code, place.country) == ("US", "United States")
    assert (round(place.latitude), round(place.longitude)) == (40, -90)
    assert search_places("edinburgh")[0].admin_area == "Scotland"
    assert search_places("berlin")[0].admin_area is None


def test_a_place_is_found_again_by_its_id() -> None:
    """Links and saved choices carry the id."""
    berlin = search_places("berlin")[0]
    assert berlin.id == 2950159
    assert get_place(2950159) == berlin
    assert get_place(-1) is None
    assert get_place(10**30) is None


@pytest.mark.parametrize("q", ["", "   ", "-", "\x01", "\x02\x01", "berlin\x02", "zzzzqqqq", "%", "\x00"])
def test_what_names_no_place_finds_none(q: str) -> None:
    """Also the bytes that the index keeps for itself."""
    assert search_places(q) == []


def test_results_are_bounded_and_unique() -> None:
    """A place whose several names fit comes once."""
    found = search_places("a", limit=1000)
    assert len(found) == places.MAX_RESULTS
    assert len({place.id for place in found}) == len(found)
    assert len(search_places("san", limit=3)) == 3
    assert search_places("san", limit=0) == []


def test_the_index_is_built_once_for_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that come while it is built wait for it."""
    built: list[int] = []
    whole = places._get_index()
    monkeypatch.setattr(places, "_index", None)
    monkeypatch.setattr(places, "_build", lambda: built.append(1) or whole)
    barrier = threading.Barrier(8)
    results: list[int] = []

    def search() -> None:
        barrier.wait()
        results.append(search_places("berlin")[0].id)

    threads = [threading.Thread(target=search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == [1]
    assert results == [2950159] * 8


def test_every_place_is_found_by_its_own_name() -> None:
    """A sample through the whole index: no name is lost between the others."""
    index = places._get_index()
    for place in [*index.places[::400], index.places[-1]]:
        same = [found.id for found in search_places(place.name, limit=50)]
        assert place.id in same or len(same) == 50


@given(st.text(max_size=30))
def test_any_query_is_answered(q: str) -> None:
    """Whatever is typed, and normalising twice changes nothing."""
    found = search_places(q, limit=5)
    assert len(found) <= 5
    name = normalise(q)
    assert normalise(name) == name
