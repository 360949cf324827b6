"""What this process holds: its store and its settings. `keep_in` comes before the first request, if at all."""

from __future__ import annotations

from pathlib import Path

from sandbox.oauth.store import Store
from sandbox.oauth.switches import Switches

switches = Switches()
_stores: list[Store] = []


def store() -> Store:
    """Return the store, in memory unless `keep_in` gave it a folder."""
    if not _stores:
        _stores.append(Store())
    return _stores[0]


def keep_in(folder: Path) -> None:
    """Keep codes and tokens in `folder`, with those that it holds already. StateError if that is not possible."""
    _stores[:] = [Store(folder)]
