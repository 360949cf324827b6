"""Processes of the site that share a database and a Redis, each told what to do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.services.forked import Forked


class Peer:
    """One process. Use as a context manager."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._log = log

    def __enter__(self) -> Self:
        self._process = Forked("tests.integration.accounts.peer", environment=self._environment, errors=self._log)
        assert self._answer() == "ready"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.finish()

    def run(self, code: str, **given: Any) -> Any:
        """Have it run `code` with the names in `given`; what that left in `result`."""
        self._process.tell(json.dumps({"code": code, "given": given}))
        return self._answer()

    def ask(self, headers: dict[str, str]) -> Any:
        """The answer to who asks with these headers."""
        return self.run("result = ask(headers)", headers=headers)

    def _answer(self) -> Any:
        line = self._process.hear()
        assert line, self._log.read_text(encoding="utf-8")
        return json.loads(line)
