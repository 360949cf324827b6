"""Databases that tests use beside Django's own test database: real ones, in which transactions really commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import dj_database_url
from django.db import connections

NewDatabase = Callable[[], str]


@contextmanager
def added_database(alias: str, url: str, **options: Any) -> Iterator[str]:
    """Add the database at `url` to `connections` under `alias`."""
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    config["OPTIONS"] = {**config.get("OPTIONS", {}), **options}
    connections.configure_settings({"default": dict(connections.settings["default"]), alias: config})
    connections.settings[alias] = config
    try:
        yield alias
    finally:
        for connection in connections.all(initialized_only=True):
            if connection.alias == alias:
                connection.close()
        handler: Any = connections
        if hasattr(handler._connections, alias):
            delattr(handler._connections, alias)
        del connections.settings[alias]


def with_path(url: str, name: str) -> str:
    """`url` with `name` for the database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def empty_tables(alias: str) -> None:
    """Remove what tests write there, since others share the database: groups, and rows of the outbox."""
    from django.contrib.auth.models import Group

    from cache_platform.models import OutboxRow

    connections[alias].close()  # a test may have cut it
    Group.objects.using(alias).all().delete()
    OutboxRow.objects.using(alias).all().delete()
    connections[alias].close()
