"""TCP ports on the loopback interface."""

from __future__ import annotations

import errno
import os
import socket

from config.services.service import ServiceError

HOST = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now. Raises ServiceError when we may not use it at all."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise ServiceError(f"PORT: cannot listen on {HOST}:{port} ({os.strerror(error.errno or 0)})") from None
    return True


def require_free(port: int) -> None:
    """Raise ServiceError unless the port is free."""
    if not is_free(port):
        raise ServiceError(f"PORT: {port} is in use by another program: stop it, or set another PORT")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
