"""What a platform is to this site: addresses, scopes and quirks, as data."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

SLUG = re.compile(r"[a-z][a-z0-9]{1,29}")
RESERVED = frozenset({"status", "reset", "callback"})
"""Names that the routes of the API take for themselves."""

Kind = Literal["plays", "events", "messages", "repositories"]


class DefinitionError(ValueError):
    """A provider is defined wrongly; the text says which and how."""


class Revocation(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider takes tokens back. `rfc7009`: POST with the token in a form. `github`: DELETE with the client's
    Basic credentials and the token as JSON. `{client_id}` in `url` is filled in. `takes` is the token that ends the
    whole grant. `whole_grant`: it also ends what the person has agreed to since, as at Google."""

    url: str
    style: Literal["rfc7009", "github"] = "rfc7009"
    takes: Literal["refresh", "access"] = "refresh"
    whole_grant: bool = False


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider says whose account it is; `id` and `name` are dotted paths into its JSON, the first of `name`
    that is there counts."""

    url: str
    id: str
    name: tuple[str, ...]


class DataApi(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider lists what can be extracted, page by page. The fields are dotted paths, `item_*` into one item.

    `paging` is `cursor` (the cursor of the next page is at `next_cursor`, and sent as the parameter `cursor_param`;
    none there ends it) or `number` (pages from 1, sent as `cursor_param`; one with less than `page_size` ends it).
    `items` is empty where the body itself is the list. `total`, where there is one, is how many items there are.
    `item_labels` may each lead to a text, a list of texts, or through a list (`track.artists.name`).
    """

    url: str
    kind: Kind
    items: str
    item_id: str
    item_title: tuple[str, ...]
    item_time: tuple[str, ...]
    item_labels: tuple[str, ...] = ()
    paging: Literal["cursor", "number"] = "cursor"
    cursor_param: str = "cursor"
    next_cursor: str = ""
    total: str = ""
    page_size: int = 50
    size_param: str = "limit"
    params: dict[str, str] = {}


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One platform. `sandbox`: it is played by the sandbox, and its addresses begin with a slash."""

    slug: str
    name: str
    authorize_url: str
    token_url: str
    profile: Profile
    scopes: tuple[str, ...]
    revocation: Revocation | None = None
    data: DataApi | None = None
    pkce: bool = True
    client_auth: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"
    authorize_params: dict[str, str] = {}
    scope_separator: str = " "
    issuer: str = ""
    """What `iss` must be in its answers (RFC 9207); empty where it sends none."""
    sandbox: bool = False
    description: str = ""

    def __post_init__(self) -> None:
        if not SLUG.fullmatch(self.slug) or self.slug in RESERVED:
            raise DefinitionError(
                f"provider {self.slug!r}: not a name for one (reserved: {', '.join(sorted(RESERVED))})"
            )
        start = "/" if self.sandbox else "https://"
        addresses = {"authorize_url": self.authorize_url, "token_url": self.token_url, "profile.url": self.profile.url}
        if self.revocation is not None:
            addresses["revocation.url"] = self.revocation.url
        if self.data is not None:
            addresses["data.url"] = self.data.url
        for name, address in addresses.items():
            if not address.startswith(start):
                raise DefinitionError(f"provider {self.slug!r}: {name} must begin with {start}")


def ends_apart(provider: Provider) -> bool:
    """Whether tokens can be taken back one grant at a time, without ending a newer one of the same person."""
    return provider.revocation is not None and not provider.revocation.whole_grant
