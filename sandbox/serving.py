"""Serving the sandbox from one process, so that nothing is left behind however it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

STARTUP_LIMIT = 10.0
FAREWELL_LIMIT = 0.5
"""Seconds that open requests get to finish after SIGTERM; mode `timeout` may hold some for two minutes."""

MOST_CONNECTIONS = 4096
"""Granian's own limit is 128, and connections that wait for a delay count."""


class ServingError(Exception):
    """The sandbox cannot listen where it was told to; the text is one line for the operator."""


@contextmanager
def claimed_address(host: str, port: int) -> Iterator[tuple[str, int]]:
    """Hold `port` (0: a free one) for this process; yield the numeric address and port, ServingError if it is taken.

    Granian binds with SO_REUSEPORT, so a second sandbox on the same port would silently share its requests.
    Binding once without that option tells whether the port is free; a bound socket that does not listen then
    keeps it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with _bound(family, host, port, shared=False) as probe:
            address, number = probe.getsockname()[:2]  # Granian takes no host names
        guard = _bound(family, address, number, shared=True)
    except (OSError, OverflowError) as error:
        raise ServingError(f"cannot listen on {host} port {port}: {error}") from error
    with guard:
        yield address, number


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; prints the address on stdout once it answers."""
    asyncio.run(_serve(host, port))
    sys.stdout.flush()
    os._exit(0)  # granian's threads would wait for requests that are still open


async def _serve(host: str, port: int) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = _server(host, port)
    serving = asyncio.create_task(server.serve())
    stopping = asyncio.create_task(stopped.wait())
    answering = asyncio.create_task(_announce(host, port))
    await asyncio.wait({serving, stopping, answering}, return_when=asyncio.FIRST_COMPLETED)
    if answering.done():
        answering.result()
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        raise ServingError(f"the server on {host} port {port} ended by itself") from serving.exception()
    server.stop()  # type: ignore[no-untyped-call]  # granian's embedded server has no annotations here
    await asyncio.wait({serving}, timeout=FAREWELL_LIMIT)


def _server(host: str, port: int) -> Server:
    from sandbox.asgi import application

    return Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=MOST_CONNECTIONS,
        backpressure=MOST_CONNECTIONS,
        log_enabled=False,
    )


async def _announce(host: str, port: int) -> None:
    """Print the address once a connection is accepted; ServingError after ten seconds without."""
    try:
        async with asyncio.timeout(STARTUP_LIMIT):
            while not await _accepts(host, port):
                await asyncio.sleep(0.01)
    except TimeoutError as error:
        raise ServingError(f"no answer on {host} port {port} within {STARTUP_LIMIT:.0f} s") from error
    shown = f"[{host}]" if ":" in host else host
    sys.stdout.write(f"sandbox http://{shown}:{port}\n")
    sys.stdout.flush()


async def _accepts(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _bound(family: socket.AddressFamily, host: str, port: int, *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
    except BaseException:
        sock.close()
        raise
    return sock
