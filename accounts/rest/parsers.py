"""What clients may send: JSON (RFC 8259), which is always UTF-8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant

DEEPEST = 32


class JsonParser(BaseParser):
    """A body of JSON. DRF's own lets arrays nested too deep and odd charsets through to a 500."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,  # noqa: ARG002  # DRF's signature
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002  # DRF's signature
    ) -> Any:  # noqa: ANN401  # any JSON
        """The body's value. Raises ParseError, whose text does not repeat the body: it may hold a password."""
        try:
            value = json.loads(stream.read().decode("utf-8"), parse_constant=strict_constant)
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON.") from None
        if _is_deep(value):
            raise ParseError(f"The body is nested deeper than {DEEPEST} levels.")
        return value


def _is_deep(value: Any) -> bool:  # noqa: ANN401  # any JSON
    """Whether arrays and objects are nested deeper than DEEPEST: what handles them later may recurse."""
    level = [value]
    for _ in range(DEEPEST + 1):
        containers = [each for each in level if isinstance(each, dict | list)]
        level = [inner for each in containers for inner in (each.values() if isinstance(each, dict) else each)]
        if not level:
            return False
    return True
