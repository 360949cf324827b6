"""Commands whose output nobody reads to its end."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from cache_platform import get_or_load
from cache_platform.testing import isolated_cache


class Broken(StringIO):
    """A pipe whose reader has gone."""

    encoding = "utf-8"

    tried = False

    def write(self, _text: str) -> int:
        self.tried = True
        raise BrokenPipeError

    def isatty(self) -> bool:
        return False


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("force_color", [False, True])
def test_a_reader_who_has_seen_enough_is_no_error(thing: Any, force_color: bool) -> None:
    """As `cache_stats | head -1` is, in colour too: it ends without an exit code."""
    with isolated_cache():
        get_or_load(thing, {"user_id": 1}, lambda user_id: {})
        call_command("cache_stats", force_color=force_color, stdout=(out := Broken()), stderr=StringIO())
    assert out.tried
