"""Running a command in this process: what it exits with and says, piped or on a terminal."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.core.management import call_command


class Terminal(StringIO):
    """A stream that somebody reads."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Ran:
    """What a command exited with, and said on each stream."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it said, as one JSON document."""
        return json.loads(self.out)

    @property
    def seen(self) -> str:
        """What it said, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.out)

    @property
    def rows(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.out.splitlines()]


def run(name: str, *arguments: str, terminal: bool = False, **options: Any) -> Ran:
    """`manage.py <name> <arguments>`; with `terminal`, both streams are one's."""
    out, err = (Terminal(), Terminal()) if terminal else (StringIO(), StringIO())
    code = 0
    try:
        call_command(name, *arguments, stdout=out, stderr=err, **options)
    except SystemExit as end:
        code = int(str(end.code))
    return Ran(code, out.getvalue(), err.getvalue())
