"""The signature as the page shows it. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.pages.wording import Moment, day, moment
from connectors.providers import name_of
from connectors.schema import Cluster, Signature, Trait

COLOURS = 9
"""How many colours there are for clusters; those behind share the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraitMeter:
    """One trait; `score` is 0 to 100."""

    id: str
    name: str
    score: int
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterBar:
    """One area of life. `x` and `width` are its place in the bar of all, as SVG attributes; `colour` is 1 to
    COLOURS."""

    name: str
    share: str
    items: int
    labels: tuple[str, ...]
    platforms: str
    peak: str
    colour: int
    x: str
    width: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignaturePanel:
    """The signature. Without `items` there is nothing to show yet."""

    items: int
    sources: str
    method: str
    first: Moment | None
    last: Moment | None
    traits: tuple[TraitMeter, ...]
    clusters: tuple[ClusterBar, ...]


def signature_panel(signature: Signature | None) -> SignaturePanel:
    """The panel for `signature`; the empty one without any."""
    if signature is None:
        return SignaturePanel(items=0, sources="", method="", first=None, last=None, traits=(), clusters=())
    return SignaturePanel(
        items=signature.items,
        sources=", ".join(f"{name_of(slug)} {count:,}" for slug, count in signature.platforms.items()),
        method=signature.method,
        first=_on(signature.first_at),
        last=_on(signature.last_at),
        traits=tuple(_trait(number, trait) for number, trait in enumerate(signature.traits, 1)),
        clusters=_bars(signature.clusters),
    )


def _on(time: datetime | None) -> Moment | None:
    return moment(time, day(time)) if time else None


def _trait(number: int, trait: Trait) -> TraitMeter:
    return TraitMeter(id=f"trait-{number}", name=_title(trait.name), score=trait.score, basis=_sentence(trait.basis))


def _bars(clusters: tuple[Cluster, ...]) -> tuple[ClusterBar, ...]:
    bars, start = [], 0.0
    for number, cluster in enumerate(clusters, 1):
        bars.append(
            ClusterBar(
                name=_title(cluster.name),
                share=f"{cluster.share:.0%}".replace("%", " %"),
                items=cluster.items,
                labels=cluster.labels,
                platforms=", ".join(name_of(slug) for slug in cluster.platforms),
                peak=f"{cluster.peak_hour:02}:00",
                colour=min(number, COLOURS),
                x=f"{start:.2f}%",
                width=f"{cluster.share * 100:.2f}%",
            )
        )
        start += cluster.share * 100
    return tuple(bars)


def _title(name: str) -> str:
    return _sentence(name.replace("_", " "))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
