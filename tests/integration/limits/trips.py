"""Counting round trips where they happen: at the connection."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from redis.connection import AbstractConnection


@contextmanager
def counted_trips() -> Iterator[list[Any]]:
    """What this thread sends to Redis meanwhile, one element for each round trip, whatever it carries."""
    sent: list[Any] = []
    here, send = threading.get_ident(), AbstractConnection.send_packed_command

    def counting(connection: AbstractConnection, command: Any, **more: Any) -> None:  # redis-py's
        if threading.get_ident() == here:
            sent.append(command)
        send(connection, command, **more)

    with mock.patch.object(AbstractConnection, "send_packed_command", counting):
        yield sent
