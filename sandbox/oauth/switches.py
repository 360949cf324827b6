"""What the control panel changes about the authorization servers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

MOST_SECONDS = 10 * 365 * 86_400
MOST_CALLS = 1_000_000
DEFAULT_QUOTA = 600
FIELDS = ("expires_in", "refuse_refresh", "quota", "expire_all", "revoke_all")


class SwitchError(ValueError):
    """A field is wrong: which one, and what is allowed."""

    def __init__(self, name: str, allowed: str) -> None:
        super().__init__(f"{name}: {allowed}")
        self.field = name


@dataclass(frozen=True, slots=True)
class Settings:
    """`expires_in` is the life of new access tokens in seconds (None: as the platform has it), `quota` the calls a
    minute of one account on one platform (None: the default)."""

    expires_in: int | None = None
    refuse_refresh: bool = False
    quota: int | None = None

    def as_dict(self) -> dict[str, int | bool | None]:
        """Return the settings by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Order:
    """What a request to the control panel asks for: new settings, and things to be done now."""

    settings: Settings
    expire_all: bool = False
    revoke_all: bool = False


class Switches:
    """The settings of now."""

    def __init__(self) -> None:
        self.now = Settings()

    def clear(self) -> None:
        """Begin as at the start."""
        self.now = Settings()


def parse_order(body: object, current: Settings) -> Order:
    """Return what a decoded JSON body asks for; what it leaves out stays as in `current`. SwitchError names what is
    wrong."""
    if not isinstance(body, dict):
        raise SwitchError("body", "must be a JSON object")
    unknown = sorted(set(map(str, body)) - set(FIELDS))
    if unknown:
        raise SwitchError(unknown[0], f"unknown field; allowed are {', '.join(FIELDS)}")
    settings = current
    if "expires_in" in body:
        settings = replace(settings, expires_in=_whole("expires_in", body["expires_in"], 1, MOST_SECONDS))
    if "quota" in body:
        settings = replace(settings, quota=_whole("quota", body["quota"], 0, MOST_CALLS))
    if "refuse_refresh" in body:
        settings = replace(settings, refuse_refresh=_flag("refuse_refresh", body["refuse_refresh"]))
    return Order(
        settings,
        expire_all=_flag("expire_all", body.get("expire_all", False)),
        revoke_all=_flag("revoke_all", body.get("revoke_all", False)),
    )


def _whole(name: str, value: object, least: int, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SwitchError(name, f"must be null or a whole number from {least} to {most}")
    return value


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise SwitchError(name, "must be true or false")
    return value
