"""The platforms: whom each imitates, and where they differ in what they ask of clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

HOUR = 3600
FIVE_MINUTES = 300
BASIC = "client_secret_basic"
POST = "client_secret_post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One authorization server. `expires_in` is the life of access tokens in seconds, None: they have no end."""

    slug: str
    name: str
    data: str
    scopes: Mapping[str, str]
    """What each scope permits, as the consent page says it; the first is what the data needs."""
    auth_methods: tuple[str, ...]
    refresh: Literal["rotated", "kept", "none"]
    revocation: Literal["none", "rfc7009", "github"]
    expires_in: int | None = HOUR
    asks_offline: bool = False
    """Whether a refresh token is given only for `access_type=offline`, as Google does."""
    scope_separator: str = " "
    answers_like_github: bool = False
    """Whether token answers are a form unless JSON is asked for, and errors come with HTTP 200."""

    @property
    def client_id(self) -> str:
        """The id of the one client registered here."""
        return f"cache-platform-{self.slug}"

    @property
    def client_secret(self) -> str:
        """Its secret, which is none: the sandbox is open to whoever reaches it."""
        return f"sandbox-secret-{self.slug}"

    @property
    def data_scope(self) -> str:
        """The scope without which the data is refused."""
        return next(iter(self.scopes))


TUNEBOX = Platform(
    slug="tunebox",
    name="Tunebox",
    data="music",
    scopes={
        "user-read-recently-played": "See the tracks you have played",
        "user-read-private": "See your display name",
    },
    auth_methods=(BASIC,),
    refresh="rotated",
    revocation="none",
)
DAYBOOK = Platform(
    slug="daybook",
    name="Daybook",
    data="calendar",
    scopes={
        "calendar.readonly": "See the events of your calendars",
        "openid": "Know that it is you",
        "email": "See your email address",
        "profile": "See your name",
    },
    auth_methods=(BASIC, POST),
    refresh="kept",
    revocation="rfc7009",
    asks_offline=True,
)
CODEYARD = Platform(
    slug="codeyard",
    name="Codeyard",
    data="code",
    scopes={"read:user": "See your profile and public repositories", "repo": "See your private repositories"},
    auth_methods=(BASIC, POST),
    refresh="none",
    revocation="github",
    expires_in=None,
    scope_separator=",",
    answers_like_github=True,
)
CHIRPER = Platform(
    slug="chirper",
    name="Chirper",
    data="messages",
    scopes={
        "messages.read": "Read the messages you sent",
        "offline_access": "Stay connected while you are away",
    },
    auth_methods=(BASIC,),
    refresh="rotated",
    revocation="rfc7009",
    expires_in=FIVE_MINUTES,
)

PLATFORMS = (TUNEBOX, DAYBOOK, CODEYARD, CHIRPER)
