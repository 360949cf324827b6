"""Deterministic randomness: the same question has the same answer in every process and on every day."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache

CONTRAST = 1.4
"""Blending eight corners flattens the values; this stretches them back over the whole range."""


@lru_cache(maxsize=65536)
def unit(*parts: int | str) -> float:
    """Return a number in [0, 1) that depends on `parts` alone."""
    digest = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def field(name: str, latitude: float, longitude: float, hours: float, *, degrees: int, period: float) -> float:
    """Return a value in [0, 1] that changes smoothly over the globe and over time.

    `degrees` is the distance of independent places and must divide 360, `period` the distance of independent
    moments in hours. Value noise: random corners of a lattice, blended with a smooth step.
    """
    row, y = _split(latitude / degrees)
    column, x = _split(longitude / degrees)
    step, z = _split(hours / period)
    around = 360 // degrees
    total = 0.0
    for up, weight_y in ((0, 1 - y), (1, y)):
        for right, weight_x in ((0, 1 - x), (1, x)):
            weight = weight_y * weight_x
            here = (name, row + up, (column + right) % around)
            total += weight * (1 - z) * unit(*here, step) + weight * z * unit(*here, step + 1)
    return min(1.0, max(0.0, 0.5 + (total - 0.5) * CONTRAST))


def _split(position: float) -> tuple[int, float]:
    """Return the lattice cell, and how far into it (eased, so that the blend has no kinks)."""
    cell = math.floor(position)
    inside = position - cell
    return cell, inside * inside * (3 - 2 * inside)
