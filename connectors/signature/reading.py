"""A user's signature, through the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from accounts.models import User
from cache_platform import Read, read
from connectors.models import ConnectionStatus, ExtractedItem
from connectors.policies import SIGNATURE
from connectors.schema import Signature
from connectors.signature.areas import Seen, area_of
from connectors.signature.clusters import clusters_of
from connectors.signature.traits import traits_of

METHOD = "keywords-1"
"""Changes with the method, so that two signatures that differ tell whether the person did or the method."""
MOST_ITEMS = 5_000
"""The newest ones, of all platforms together."""
FIELDS = ("connection__provider", "kind", "title", "labels", "happened_at")


def read_signature(user_id: int, *, caller: str | None = None) -> Read[Signature]:
    """A user's signature, through the cache; its value is None for a user who is not there."""
    return read(SIGNATURE, {"user_id": user_id}, load_signature, caller=caller)


def load_signature(user_id: int) -> Signature | None:
    """The signature from the database, in one query (two where there are no items); None for a user who is not
    there."""
    items = ExtractedItem.objects.filter(user_id=user_id).exclude(connection__status=ConnectionStatus.DISCONNECTED)
    newest = items.order_by("-happened_at", "connection__provider", "item_id").values_list(*FIELDS)[:MOST_ITEMS]
    seen = [
        Seen(platform, kind, title, tuple(labels), happened_at) for platform, kind, title, labels, happened_at in newest
    ]
    if not seen and not User.objects.filter(pk=user_id).exists():
        return None
    return signature_of(user_id, seen)


def signature_of(user_id: int, items: Iterable[Seen]) -> Signature:
    """The signature that `items` make, in whatever order they come."""
    by_area: dict[str, list[Seen]] = {}
    for item in items:
        by_area.setdefault(area_of(item), []).append(item)
    platforms = Counter(item.platform for found in by_area.values() for item in found)
    times = [item.happened_at for found in by_area.values() for item in found]
    return Signature(
        user_id=user_id,
        method=METHOD,
        items=len(times),
        platforms={name: platforms[name] for name in sorted(platforms)},
        first_at=min(times, default=None),
        last_at=max(times, default=None),
        traits=traits_of(by_area) if times else (),
        clusters=clusters_of(by_area) if times else (),
    )
