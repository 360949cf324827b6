"""The tokens of a connection, between the platform and the encrypted column."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from connectors.sealing import seal, unseal

PURPOSE = "tokens"


@dataclass(frozen=True, slots=True)
class Tokens:
    """What opens a person's account at a platform. `refresh` is empty where there is none. Neither is in the repr."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)


def sealed(tokens: Tokens, *, user_id: int, provider: str) -> str:
    """The tokens as the database keeps them."""
    return seal(PURPOSE, f"{user_id}:{provider}", msgspec.msgpack.encode((tokens.access, tokens.refresh)))


def opened(text: str, *, user_id: int, provider: str) -> Tokens:
    """The tokens of that user at that platform. Raises Unreadable."""
    found = unseal(PURPOSE, f"{user_id}:{provider}", text)
    return Tokens(*msgspec.msgpack.decode(found, type=tuple[str, str]))
