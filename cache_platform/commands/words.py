"""Numbers as people read them; `-` for what is not known."""

from __future__ import annotations

from cache_platform.load_times import in_words
from cache_platform.pages.wording import dollars
from cache_platform.statistics import percent

UNKNOWN = "-"


def amount(number: int | None) -> str:
    """A whole number, as in `12,345`."""
    return UNKNOWN if number is None else f"{number:,}"


def rate(per_second: float | None) -> str:
    """A rate in at most five letters, as in `0.25`, `3.2`, `812`, `12.3k`; `0` for none at all."""
    if per_second is None:
        return UNKNOWN
    if per_second == 0:
        return "0"
    for limit, text in ((0.995, "{:.2f}"), (9.95, "{:.1f}"), (999.5, "{:.0f}")):
        if per_second < limit:
            return text.format(per_second)
    for unit in ("k", "M"):
        per_second /= 1000
        if per_second < 99.95:
            return f"{per_second:.1f}{unit}"
        if per_second < 999.5:
            return f"{per_second:.0f}{unit}"
    return f"{per_second / 1000:.1f}G"


def share(part: float, whole: float) -> str:
    """A share, as in `97.3 %`; unknown of nothing."""
    return percent(part / whole).replace("%", " %") if whole else UNKNOWN


def money(micro_dollars: int) -> str:
    """Millionths of a US dollar, as the staff page writes them; `-` for nothing."""
    return dollars(micro_dollars) if micro_dollars else UNKNOWN


def milliseconds(number: float | None) -> str:
    """A time, as in `0.4 ms`, `512 ms`, `2.5 s`."""
    if number is None:
        return UNKNOWN
    if number < 9.95:
        return f"{number:.1f} ms"
    return f"{number:.0f} ms" if number < 999.5 else f"{number / 1000:.1f} s"


def load_time(number: float | None) -> str:
    """A percentile of load times; `over 60 s` where it is not known by how much."""
    return UNKNOWN if number is None else in_words(number, milliseconds(number))


def size(number: float | None) -> str:
    """Bytes, as in `812 B`, `12.3 MiB`."""
    if number is None:
        return UNKNOWN
    if number < 1024:
        return f"{number:.0f} B"
    for unit in ("KiB", "MiB", "GiB"):
        number /= 1024
        if number < 1000:
            return f"{number:.1f} {unit}"
    return f"{number / 1024:.1f} TiB"


def duration(seconds: float | None) -> str:
    """A time by its two largest units, as in `45 s`, `3 min 5 s`, `2 d 7 h`."""
    if seconds is None:
        return UNKNOWN
    rest, parts = int(seconds), list[str]()
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, length)
        if number or parts:
            parts.append(f"{number} {unit}")
        if len(parts) == 2:
            break
    kept = [part for part in parts if not part.startswith("0 ")]
    return " ".join(kept) or "0 s"


def several(number: int, one: str, many: str = "") -> str:
    """`1 entry`, `2 entries`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
