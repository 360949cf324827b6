"""The example in the guide is what the method gives."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from connectors.schema import Signature
from connectors.signature.areas import Seen, area_of
from connectors.signature.reading import METHOD, MOST_ITEMS, signature_of
from connectors.signature.words import AREAS

GUIDE = (Path(__file__).parents[4] / "docs/guides/signature.md").read_text(encoding="utf-8")


def table(first_column: str, *, after: str = "## An example") -> list[list[str]]:
    """The cells of the guide's table whose first column is called so."""
    lines = GUIDE[GUIDE.index(after) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first_column} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def comma_list(text: str) -> tuple[str, ...]:
    """The parts between commas."""
    return tuple(filter(None, text.split(", ")))


def example() -> list[tuple[Seen, str]]:
    """The items of the example, and the area that the guide gives for each."""
    return [
        (Seen(platform, kind, title, comma_list(labels), datetime.fromisoformat(time).replace(tzinfo=UTC)), area)
        for platform, kind, title, labels, time, area in table("platform")
    ]


def computed() -> Signature:
    """The signature of the example."""
    return signature_of(1, [item for item, _ in example()])


def test_each_item_is_in_its_area() -> None:
    """Line by line."""
    assert len(example()) == 10
    for item, area in example():
        assert area_of(item) == area, item.title


def test_the_traits_are_those_of_the_guide() -> None:
    """With their words."""
    assert [[trait.name, str(trait.score), trait.basis] for trait in computed().traits] == table("trait")


def test_the_clusters_are_those_of_the_guide() -> None:
    """In their order."""
    found = [
        [
            each.name,
            f"{each.share:g}",
            str(each.items),
            ", ".join(each.labels),
            ", ".join(each.platforms),
            str(each.peak_hour),
        ]
        for each in computed().clusters
    ]
    assert found == table("cluster")


def test_the_guide_names_the_method_the_areas_and_the_limit() -> None:
    """In the order in which areas win."""
    assert f"`{METHOD}`" in GUIDE
    assert ", ".join(f"`{area}`" for area in AREAS) in GUIDE.replace("\n", " ")
    assert f"newest {MOST_ITEMS:,} items" in GUIDE
    formulas = table("trait", after="## Traits")
    assert [re.sub("`", "", row[0]) for row in formulas] == [trait.name for trait in computed().traits]
