"""What a log of requests proves about a limit, whatever the moments inside their spans were.

Times are milliseconds of Redis' clock, rounded down as the limiter's own log has them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Asked:
    """A request: decided at some moment from `before` to `after`, both included."""

    before: int
    after: int
    admitted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`most` requests were certainly admitted in one half-open window; `in_vain` of the `refused` were certainly
    refused while there was room."""

    most: int
    admitted: int
    refused: int
    in_vain: int


def findings(asked: Sequence[Asked], *, limit: int, window_ms: int) -> Findings:
    """What is certain of the requests of one identity.

    A request counts as inside a window only if its whole span is, so an excess is one. A refusal counts as in vain
    only if fewer than `limit` were admitted even when all those count that may have been in its window.
    """
    admitted = [each for each in asked if each.admitted]
    refused = [each for each in asked if not each.admitted]
    return Findings(
        most=max((_inside(admitted, start.before, window_ms) for start in admitted), default=0),
        admitted=len(admitted),
        refused=len(refused),
        in_vain=_in_vain(admitted, refused, limit, window_ms),
    )


def together(found: Sequence[Findings]) -> Findings:
    """Of several identities: the largest `most`, and the sums of the rest."""
    return Findings(
        most=max(each.most for each in found),
        admitted=sum(each.admitted for each in found),
        refused=sum(each.refused for each in found),
        in_vain=sum(each.in_vain for each in found),
    )


def _inside(admitted: Sequence[Asked], start: int, window_ms: int) -> int:
    return sum(start <= each.before and each.after < start + window_ms for each in admitted)


def _in_vain(admitted: Sequence[Asked], refused: Sequence[Asked], limit: int, window_ms: int) -> int:
    """An admission may have been in the window of a refusal unless it ended a window before, or began after it."""
    begun = sorted(each.before for each in admitted)
    ended = sorted(each.after for each in admitted)
    return sum(
        bisect_right(begun, each.after) - bisect_right(ended, each.before - window_ms) < limit for each in refused
    )
