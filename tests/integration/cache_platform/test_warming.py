"""Warming: what is missing of several policies is loaded ahead, in two round trips, and nobody is disturbed by it."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from cache_platform import SourceBackoff, get_or_load, invalidate, read
from cache_platform.statistics import read_window
from cache_platform.stores import get_store
from cache_platform.testing import PausedLoader, failing_store
from cache_platform.warming import Wish, warm
from tests.integration.cache_platform.test_read_path import broken, expire_soon, never
from tests.integration.cache_platform.threads import in_thread, result

pytestmark = pytest.mark.usefixtures("store")


@pytest.fixture
def profile(declare: Any) -> Any:
    """One of three policies of a user."""
    return declare(name="test.profile", params={"user_id": int}, tags=("user:{user_id}",))


@pytest.fixture
def plan(declare: Any) -> Any:
    """Another."""
    return declare(name="test.plan", params={"user_id": int}, tags=("user:{user_id}",))


@pytest.fixture
def cards(declare: Any) -> Any:
    """The third, with a parameter more."""
    return declare(name="test.cards", params={"user_id": int, "page": int}, tags=("user:{user_id}",))


def load(**params: int) -> dict[str, int]:
    """A loader."""
    return params


def outcomes(*wishes: Wish[Any]) -> list[str]:
    """What became of each."""
    return [each.outcome for each in warm(wishes)]


def test_what_is_missing_is_stored(profile: Any, plan: Any, cards: Any) -> None:
    """Each by its own loader; "not found" as well; what is there is left as it is."""
    get_or_load(plan, {"user_id": 1}, load)
    page = {"user_id": 1, "page": 2}
    nobody = Wish(profile, {"user_id": 2}, lambda user_id: None)
    wishes = [Wish(profile, {"user_id": 1}, load), Wish(plan, {"user_id": 1}, never), Wish(cards, page, load), nobody]
    assert outcomes(*wishes) == ["stored", "fresh", "stored", "stored"]
    assert read(profile, {"user_id": 1}, never).value == {"user_id": 1}
    assert read(cards, page, never).value == page
    assert read(profile, {"user_id": 2}, never).cached
    assert outcomes(*wishes) == ["fresh"] * 4


def test_two_round_trips_for_all(profile: Any, plan: Any, cards: Any) -> None:
    """One reads, one stores, however many policies there are; the second time one is enough."""
    store = type(get_store())
    wishes = [
        Wish(profile, {"user_id": 1}, load),
        Wish(plan, {"user_id": 1}, load),
        Wish(cards, {"user_id": 1, "page": 1}, load),
    ]
    with (
        mock.patch.object(store, "lookup", autospec=True, side_effect=store.lookup) as lookup,
        mock.patch.object(store, "fill", autospec=True, side_effect=store.fill) as fill,
        mock.patch.object(store, "release", autospec=True, side_effect=store.release) as release,
    ):
        assert outcomes(*wishes) == ["stored"] * 3
        assert (lookup.call_count, fill.call_count, release.call_count) == (1, 1, 0)
        assert outcomes(*wishes) == ["fresh"] * 3
        assert (lookup.call_count, fill.call_count, release.call_count) == (2, 1, 0)


def test_a_failing_loader_disturbs_nobody(profile: Any, plan: Any, cards: Any) -> None:
    """The others are stored, nothing is raised, and the source that failed is left alone for a moment."""
    page = {"user_id": 1, "page": 1}
    wishes = [Wish(profile, {"user_id": 1}, broken), Wish(plan, {"user_id": 1}, load), Wish(cards, page, load)]
    assert outcomes(*wishes) == ["failed", "stored", "stored"]
    with pytest.raises(SourceBackoff):
        read(profile, {"user_id": 1}, never)
    assert outcomes(*wishes) == ["left", "fresh", "fresh"]


@pytest.mark.parametrize("value", [{1, 2}, "not a dict", object()])
def test_a_value_that_does_not_fit_disturbs_nobody(profile: Any, plan: Any, value: Any) -> None:
    """A mistake in one loader."""
    wrong = Wish(profile, {"user_id": 1}, lambda user_id: value)
    assert outcomes(wrong, Wish(plan, {"user_id": 1}, load)) == ["failed", "stored"]
    with pytest.raises(SourceBackoff):
        read(profile, {"user_id": 1}, never)


def test_wrong_parameters_disturb_nobody(profile: Any, plan: Any) -> None:
    """A mistake in one wish."""
    wrong = [Wish(profile, {"user_id": "1"}, load), Wish(profile, {}, load)]
    assert outcomes(*wrong, Wish(plan, {"user_id": 1}, load)) == ["failed", "failed", "stored"]


def test_the_same_wish_twice_is_one_load(profile: Any) -> None:
    """Two apps may wish for the same entry."""
    asked: list[int] = []

    def note(user_id: int) -> dict[str, int]:
        asked.append(user_id)
        return {}

    assert outcomes(*[Wish(profile, {"user_id": 1}, note)] * 2) == ["stored", "stored"]
    assert asked == [1]


def test_what_somebody_else_loads_is_not_waited_for(profile: Any, plan: Any) -> None:
    """Warming takes what it can get."""
    loader = PausedLoader({"n": 1})
    reader = in_thread(lambda: read(profile, {"user_id": 1}, loader))
    loader.wait_until_entered()
    assert outcomes(Wish(profile, {"user_id": 1}, never), Wish(plan, {"user_id": 1}, load)) == ["left", "stored"]
    loader.resume()
    assert result(reader).stored


def test_a_reader_waits_for_what_is_being_warmed(profile: Any) -> None:
    """One load for both."""
    loader = PausedLoader({"n": 1})
    warming = in_thread(lambda: outcomes(Wish(profile, {"user_id": 1}, loader)))
    loader.wait_until_entered()
    reader = in_thread(lambda: read(profile, {"user_id": 1}, never))
    loader.resume()
    assert result(warming) == ["stored"]
    assert result(reader).value == {"n": 1}


def test_what_a_write_overtakes_is_not_stored(profile: Any, plan: Any) -> None:
    """The generations were read before any of the loaders ran, so the earlier ones' values are old too."""

    def overtaken(user_id: int) -> dict[str, str]:
        invalidate("user:1")
        return {"value": "old"}

    early = Wish(plan, {"user_id": 1}, lambda user_id: {"value": "old"})
    assert outcomes(early, Wish(profile, {"user_id": 1}, overtaken)) == ["unstored", "unstored"]
    for policy in (profile, plan):
        assert read(policy, {"user_id": 1}, lambda user_id: {"value": "new"}).value == {"value": "new"}


def test_a_stopped_thread_leaves_no_lease(profile: Any, plan: Any, cards: Any) -> None:
    """A time limit or Ctrl-C is the caller's affair; those who come next load at once."""

    def stopped(user_id: int) -> Any:
        raise KeyboardInterrupt

    page = {"user_id": 1, "page": 1}
    wishes = [Wish(plan, {"user_id": 1}, load), Wish(profile, {"user_id": 1}, stopped), Wish(cards, page, load)]
    with pytest.raises(KeyboardInterrupt):
        warm(wishes)
    assert read(plan, {"user_id": 1}, load).stored
    assert read(profile, {"user_id": 1}, load).stored
    assert read(cards, page, load).stored


def test_nothing_is_loaded_in_a_transaction(profile: Any) -> None:
    """It could not be stored."""
    with mock.patch("cache_platform.inputs.in_transaction", return_value=True):
        assert outcomes(Wish(profile, {"user_id": 1}, never)) == ["left"]


def test_nothing_is_loaded_without_a_store(profile: Any, plan: Any) -> None:
    """The sign-in goes on."""
    with failing_store("lookup"):
        assert outcomes(Wish(profile, {"user_id": 1}, never), Wish(plan, {"user_id": 1}, never)) == ["left", "left"]


def test_a_store_lost_meanwhile_costs_nothing(profile: Any) -> None:
    """The load was in vain, and nothing is raised."""
    with failing_store("fill", "release"):
        assert outcomes(Wish(profile, {"user_id": 1}, load)) == ["unstored"]


def test_what_is_off_is_not_warmed(profile: Any, plan: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Neither a policy with a TTL of 0, nor anything when caching is off."""
    monkeypatch.setenv("CACHE_TTL_TEST_PROFILE", "0")
    wishes = [Wish(profile, {"user_id": 1}, never), Wish(plan, {"user_id": 1}, load)]
    assert outcomes(*wishes) == ["left", "stored"]
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "ENABLED": False}
    assert outcomes(*wishes) == ["left", "left"]


def test_an_old_entry_is_renewed(relaxed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stale one would answer readers, but newer is better."""
    expire_soon(relaxed, monkeypatch, {"n": "old"})
    assert outcomes(Wish(relaxed, {"id": 1}, lambda id: {"n": "new"})) == ["stored"]
    assert read(relaxed, {"id": 1}, never).value == {"n": "new"}


def test_warming_counts_its_loads_and_no_reads(profile: Any) -> None:
    """The hit rate is of what was asked for."""
    outcomes(Wish(profile, {"user_id": 1}, load))
    outcomes(Wish(profile, {"user_id": 1}, load))
    get_or_load(profile, {"user_id": 1}, never)
    counts = read_window("5m")["test.profile"]
    assert (counts["loads"], counts["hits"], counts.get("misses", 0)) == (1, 1, 0)


def test_no_wish_asks_nobody() -> None:
    """Nothing in, nothing out."""
    with failing_store() as store:
        assert warm([]) == []
    assert store.calls == []
