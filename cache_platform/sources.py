"""JSON from outside sources over HTTP: what loaders call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from cache_platform.deadlines import Deadline
from cache_platform.exceptions import SourceMalformed
from cache_platform.http import MAX_REASON, Answer, Ask, HttpSource, SourceLimits, open_all, parse_retry_after

__all__ = ["Answer", "Ask", "HttpSource", "JsonSource", "SourceLimits", "open_all", "parse_retry_after"]

T = TypeVar("T")


class JsonSource(HttpSource):
    """A source of JSON."""

    def get(
        self,
        path: str,
        *,
        schema: type[T],
        params: Mapping[str, str | int | float] | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
        part: bool = False,
    ) -> T:
        """The answer to GET `path`, decoded into `schema`. Raises SourceError and nothing else. `deadline` and `part`
        are as for `exchange`.
        """
        deadline = deadline or self.deadline()
        with self.judged(part=part):
            answer = self._answer(Ask(path, params=params, headers=headers or {}), frozenset({200}), deadline)
            return self.decoded(answer.body, schema)

    def decoded(self, body: bytes, schema: type[T]) -> T:
        """A body as `schema`. Raises SourceMalformed."""
        try:
            return msgspec.json.decode(body, type=schema)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise SourceMalformed(self.name, f"the answer is not what was promised ({_where(error)})") from error


def _where(error: Exception) -> str:
    """What does not fit, and where in the answer."""
    return str(error)[:MAX_REASON] if isinstance(error, msgspec.ValidationError) else type(error).__name__
