"""Auras: what somebody's agents are called, and how they are set up; each name once, however many try to make it."""

from __future__ import annotations


def invalidate_aura(aura_id: int) -> int:
    """Supersede what is cached of an aura, after a change that the ORM did not see: its owner's list, and of one whose
    row is gone everybody's, since nobody can say any more whose it was. How many generations were bumped; see
    cache_platform.invalidate."""
    from auras.reading import supersede  # models load after this package

    return supersede(aura_id)
