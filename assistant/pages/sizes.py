"""Sizes in words, and how much of what there may be is taken. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

KIB, MIB = 1024, 1024 * 1024
NEAR = 0.8
"""The share from which on a meter warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """So much `used` of the `most`. `level` is empty, `near` or `full`."""

    id: str
    label: str
    used: int
    most: int
    words: str
    level: str


def size_words(size: int) -> str:
    """Bytes as in `812 bytes`, `1.5 KiB`, `256 KiB`, `5 MiB`; cut, so that what is full is not said before."""
    if size < KIB:
        return f"{size} byte{'' if size == 1 else 's'}"
    unit, name = (KIB, "KiB") if size < MIB else (MIB, "MiB")
    tenths = size * 10 // unit
    return f"{tenths // 10} {name}" if tenths >= 100 or tenths % 10 == 0 else f"{tenths / 10:.1f} {name}"


def meter(name: str, label: str, *, used: int, most: int, words: str) -> Meter:
    """How much is used."""
    level = "full" if used >= most else "near" if used >= most * NEAR else ""
    return Meter(id=f"quota-{name}", label=label, used=min(used, most), most=most, words=words, level=level)
