"""How many chats one process has under way."""

from __future__ import annotations

import pytest

from assistant.places import CHATS_AT_ONCE, CHATS_OF_ONE, Places, places
from cache_platform.exceptions import LoadShed
from config.services.site import BLOCKING_THREADS


def test_some_threads_are_always_left() -> None:
    """Sixteen of a web process, for all that is no chat."""
    assert CHATS_AT_ONCE == BLOCKING_THREADS - 16


def test_there_are_so_many_places_and_no_more() -> None:
    """The next one is told to come again, and may once somebody has left."""
    places = Places(2)
    first, _ = places.take(1), places.take(2)
    with pytest.raises(LoadShed) as refused:
        places.take(3)
    assert refused.value.retry_after > 0
    first.let_go()
    places.take(3)


def test_a_place_is_free_when_all_have_let_go() -> None:
    """Not before, and once."""
    places = Places(1)
    place = places.take(1)
    place.hold()
    place.let_go()
    with pytest.raises(LoadShed):
        places.take(1)
    place.let_go()
    places.take(1)
    with pytest.raises(LoadShed):
        places.take(1)


def test_one_user_holds_some_of_them_at_most() -> None:
    """Four of a web process; the others are for others, and one's own are back when they are over."""
    chats = Places(CHATS_AT_ONCE, of_one=CHATS_OF_ONE)
    first, *_ = [chats.take(1) for _ in range(CHATS_OF_ONE)]
    with pytest.raises(LoadShed, match="you have 4 chats under way") as refused:
        chats.take(1)
    assert refused.value.retry_after > 0
    chats.take(2)
    first.let_go()
    chats.take(1)
    with pytest.raises(LoadShed):
        chats.take(1)


def test_the_places_of_a_process_are_bounded_so() -> None:
    """The ones that chats take."""
    held = [places.take(-1) for _ in range(CHATS_OF_ONE)]
    with pytest.raises(LoadShed):
        places.take(-1)
    for place in held:
        place.let_go()
    assert not places._held
