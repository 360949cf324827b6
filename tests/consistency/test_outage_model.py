"""Whatever fails, the write protocol has no stale read but where none is promised, and the model finds each mutant."""

from __future__ import annotations

import pytest

from tests.consistency.outage_model import LIMITS, MUTANTS, VARIANTS, Variant, run

pytestmark = pytest.mark.long  # of the model alone: no change of the code can break it


def _cases(variants: dict[str, Variant]) -> list[tuple[str, str]]:
    return [(name, scenario) for name, variant in variants.items() for scenario in variant.scenarios]


@pytest.mark.parametrize(("variant", "scenario"), _cases(VARIANTS))
def test_the_protocol_has_no_stale_read(variant: str, scenario: str) -> None:
    """In any interleaving of the scenario's faults."""
    explored = run(scenario, VARIANTS[variant].rules)
    assert explored.trace is None
    assert explored.states > 2_000


@pytest.mark.parametrize(("limit", "scenario"), _cases(LIMITS))
def test_what_is_not_promised_is_told_truly(limit: str, scenario: str) -> None:
    """A limit that the protocol does not have would be a promise not made."""
    assert run(scenario, LIMITS[limit].rules).trace is not None


@pytest.mark.parametrize(("mutant", "scenario"), _cases(MUTANTS))
def test_a_mutant_is_found_out(mutant: str, scenario: str) -> None:
    """A model that could not fail would show nothing."""
    assert run(scenario, MUTANTS[mutant].rules).trace is not None


def test_a_trace_names_the_steps_to_the_stale_read() -> None:
    """The shortest ones, so that they can be followed by hand."""
    trace = run("a lost COMMIT", MUTANTS["unknown-is-failure"].rules).trace
    assert trace == ["w0 holds", "w0 loses COMMIT's answer", "w0 lets go, raises", "w0's COMMIT lands"]
