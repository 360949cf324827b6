"""What clients may send: JSON (RFC 8259), which is always UTF-8."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.utils.json import strict_constant


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
            return json.loads(stream.read().decode("utf-8"), parse_constant=strict_constant)
        except (ValueError, RecursionError):
            raise ParseError("The body is not JSON.") from None
