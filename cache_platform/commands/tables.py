"""A table for people: coloured and as wide as their terminal, or plain and aligned where nobody looks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rich.table import Table as RichTable

GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Where there is too little room, those with the largest `priority` are left out; 0 stays. If there
    still is, one becomes narrower: that which `folds`, whose text goes on in the next line, else the first, which is
    cut. The others are whole."""

    title: str
    priority: int = 0
    left: bool = False
    folds: bool = False


class Cell(NamedTuple):
    """What stands in a row; `style` is one of Rich's."""

    text: str
    style: str = ""


Row = Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows, each with a cell for each column."""

    columns: Sequence[Column]
    rows: Sequence[Row]

    @property
    def widths(self) -> list[int]:
        """What each column needs, in letters."""
        return [
            max(len(column.title), *(len(row[number].text) for row in self.rows), 0)
            for number, column in enumerate(self.columns)
        ]

    def fitted(self, width: int) -> Table:
        """The same without the columns for which `width` letters have no room."""
        kept, widths = list(range(len(self.columns))), self.widths
        while sum(widths[number] + GAP for number in kept) - GAP > width:
            worst = max(kept, key=lambda number: self.columns[number].priority)
            if self.columns[worst].priority == 0:
                break
            kept.remove(worst)
        return Table(
            [self.columns[number] for number in kept],
            [[row[number] for number in kept] for row in self.rows],
        )

    def plain(self) -> Iterator[str]:
        """Lines of plain text."""
        widths = self.widths
        for row in ([Cell(column.title) for column in self.columns], *self.rows):
            cells = (
                cell.text.ljust(width) if column.left else cell.text.rjust(width)
                for cell, column, width in zip(row, self.columns, widths, strict=True)
            )
            yield (" " * GAP).join(cells).rstrip()

    def rich(self) -> RichTable:
        """For Rich's console."""
        from rich.table import Table as RichTable
        from rich.text import Text

        table = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
        narrower = next((column for column in self.columns if column.folds), self.columns[0])
        for column in self.columns:
            table.add_column(
                Text(column.title),
                justify="left" if column.left else "right",
                no_wrap=column is not narrower,
                overflow="fold" if column.folds else "ellipsis",
            )
        for row in self.rows:
            table.add_row(*(Text(cell.text, cell.style) for cell in row))
        return table


def cells(texts: Iterable[str], style: str = "") -> list[Cell]:
    """A cell for each text."""
    return [Cell(text, style) for text in texts]
