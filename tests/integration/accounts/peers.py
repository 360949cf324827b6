"""Processes of the site that share a database and a Redis, each told what to do."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from config.environment import BASE_DIR


class Peer:
    """One process. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.accounts.peer"],
                cwd=BASE_DIR,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def run(self, code: str, **given: Any) -> Any:
        """Have it run `code` with the names in `given`; what that left in `result`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"code": code, "given": given}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def ask(self, headers: dict[str, str]) -> Any:
        """The answer to who asks with these headers."""
        return self.run("result = ask(headers)", headers=headers)

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._log.read_text(encoding="utf-8")
        return json.loads(line)
