"""The table of the limiters, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.limits.costs import Costs
from benchmarks.limits.findings import Findings
from benchmarks.limits.peers import OURS

COLUMNS = (
    "limiter",
    "most in a window",
    "most, wrong clocks",
    "refused in vain",
    "in vain, wrong clocks",
    "round trips, admitted / refused",
    "bytes a key",
    "time",
)


def table(right: Mapping[str, Findings], wrong: Mapping[str, Findings], costs: Mapping[str, Costs]) -> str:
    """One row for each limiter; time as a ratio to ours."""
    rows = [COLUMNS, tuple("---" for _ in COLUMNS)]
    for name, cost in costs.items():
        cells = (
            name,
            f"{right[name].most}",
            f"{wrong[name].most}",
            _in_vain(right[name]),
            _in_vain(wrong[name]),
            f"{cost.admitted_trips:.3g} / {cost.refused_trips:.3g}",
            f"{cost.key_bytes}",
            f"{cost.seconds / costs[OURS].seconds:.2f} ({cost.seconds * 1e6:.0f} µs)",
        )
        rows.append(cells)
    return "".join(_row(cells) for cells in rows)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _in_vain(found: Findings) -> str:
    """`0` or a percentage of the refusals."""
    return f"{100 * found.in_vain / found.refused:.2g} %" if found.in_vain else "0"
