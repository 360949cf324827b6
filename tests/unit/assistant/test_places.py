"""How many chats one process has under way."""

from __future__ import annotations

import pytest

from assistant.places import CHATS_AT_ONCE, Places
from cache_platform.exceptions import LoadShed
from config.services.site import BLOCKING_THREADS


def test_some_threads_are_always_left() -> None:
    """Sixteen of a web process, for all that is no chat."""
    assert CHATS_AT_ONCE == BLOCKING_THREADS - 16


def test_there_are_so_many_places_and_no_more() -> None:
    """The next one is told to come again, and may once somebody has left."""
    places = Places(2)
    first, _ = places.take(), places.take()
    with pytest.raises(LoadShed) as refused:
        places.take()
    assert refused.value.retry_after > 0
    first.let_go()
    places.take()


def test_a_place_is_free_when_all_have_let_go() -> None:
    """Not before, and once."""
    places = Places(1)
    place = places.take()
    place.hold()
    place.let_go()
    with pytest.raises(LoadShed):
        places.take()
    place.let_go()
    places.take()
    with pytest.raises(LoadShed):
        places.take()
