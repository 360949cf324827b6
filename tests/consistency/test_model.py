"""The protocol has no stale read in any interleaving, and the model finds every mutant."""

from __future__ import annotations

import pytest

from tests.consistency.model import MUTANTS, VARIANTS, run

pytestmark = pytest.mark.long  # of the model alone: no change of the code can break it


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_protocol_has_no_stale_read(variant: str) -> None:
    """Whether or not the hold changes the generation too."""
    explored = run(variant)
    assert explored.trace is None
    assert explored.states > 10_000


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_found_out(mutant: str) -> None:
    """A model that could not fail would show nothing."""
    assert run(mutant).trace is not None
