"""Which server is at the other end: asked once on each new connection, before anything else is (write path, step 6).

A server that was restarted from a snapshot, or that took over from another, may have entries and generations from
before a bump. It has another identity than the one kept in it, and gets a new epoch, which no stored strict entry has.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from redis.connection import AbstractConnection

from cache_platform import keys
from cache_platform.conf import conf
from cache_platform.stores.base import new_generation
from cache_platform.stores.lua import script

logger = logging.getLogger(__name__)
ANOTHER = 2
"""What the script answers when it knew another server; 1 when it knew none, 0 when it knew this one."""
Connect = Callable[[AbstractConnection], None]


def identifying(connect: Connect | None = None) -> Connect:
    """What redis-py is to do on each new connection (`redis_connect_func`): `connect`, by default its own handshake,
    and one round trip more. Its errors are redis-py's; a connection that fails is closed, never used.
    """

    def connect_and_identify(connection: AbstractConnection) -> None:
        try:
            (connect or _handshake)(connection)
            _identify(connection)
        except BaseException:  # whatever it was, an open connection would pass for an identified one
            connection.disconnect()  # type: ignore[no-untyped-call]  # no types in redis-py
            raise

    return connect_and_identify


def _handshake(connection: AbstractConnection) -> None:
    # Without the check of idle connections, whose failure would connect anew from within, without end.
    connection.on_connect_check_health(check_health=False)


def _identify(connection: AbstractConnection) -> None:
    _sha, text = script("identify")
    names = [keys.epoch_key(), f"{conf.prefix}:identity"]
    connection.send_command(  # type: ignore[no-untyped-call]  # no types in redis-py
        "EVAL", text, len(names), *names, new_generation(), check_health=False
    )
    if connection.read_response() == ANOTHER:
        logger.info("redis is not the server that it was: what strict policies stored there is not used any more")
