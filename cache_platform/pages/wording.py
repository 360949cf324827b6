"""Numbers, times and sizes as the pages say them. None is a dash: it is not known, or there is none."""

from __future__ import annotations

from cache_platform import statistics
from cache_platform.load_times import in_words

DASH = "\N{EN DASH}"
NBSP = "\N{NO-BREAK SPACE}"
SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def number(amount: float | None) -> str:
    """A whole number, to the unit, as in `12,345`."""
    return DASH if amount is None else f"{amount:,.0f}"


def percent(share: float | None) -> str:
    """A share from 0 to 1, as in `92.0 %`, which no line breaks."""
    return DASH if share is None else unbroken(statistics.percent(share).replace("%", " %"))


def unbroken(text: str) -> str:
    """The text, with each per cent kept beside its number."""
    return text.replace(" %", f"{NBSP}%")


def duration(seconds: float | None) -> str:
    """Two units at the most, as in `10 min`, `1 h 30 min` or `0.5 s`."""
    if seconds is None:
        return DASH
    if seconds < 10:
        return f"{seconds:.2g} s" if seconds else "0 s"
    rest, words = round(seconds), []
    for size, unit in SPANS:
        amount, rest = divmod(rest, size)
        if amount:
            words.append(f"{amount} {unit}")
        elif words:
            break
    return " ".join(words[:2])


def milliseconds(amount: float | None) -> str:
    """Milliseconds, or seconds from one upwards, as in `0.4 ms`, `12 ms`, `1.25 s`."""
    if amount is None:
        return DASH
    if amount >= 999.5:
        return f"{amount / 1000:,.3g} s" if amount < 999_500 else f"{amount / 1000:,.0f} s"
    return f"{amount:.0f} ms" if amount >= 9.95 or amount == 0 else f"{amount:.1f} ms"


def load_time(amount: float | None) -> str:
    """A percentile of load times, as in `120 ms`; `over 60 s` where it is not known by how much."""
    return DASH if amount is None else in_words(amount, milliseconds(amount))


def size(amount: float | None) -> str:
    """Bytes, as in `512 B` or `1.5 MiB`."""
    if amount is None:
        return DASH
    for unit in SIZES:
        if amount < 1024 or unit == SIZES[-1]:
            break
        amount /= 1024
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 99.95 else f"{amount:.1f} {unit}"


def dollars(micro_dollars: float | None) -> str:
    """Millionths of a US dollar, as in `$1.25`; more digits below a cent."""
    if not micro_dollars:
        return DASH
    amount = micro_dollars / 1_000_000
    return f"${amount:,.2f}" if amount >= 0.1 else f"${amount:.4f}"


def ago(seconds: float) -> str:
    """How long ago, as in `12 s ago`."""
    return "just now" if seconds < 1 else f"{duration(int(seconds))} ago"


def many(amount: int, one: str, several: str = "") -> str:
    """As in `1 entry` or `1,203 entries`."""
    return f"{number(amount)} {one if amount == 1 else several or one + 's'}"
