"""The platforms that this site offers, with the addresses and credentials that the settings give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from django.conf import settings

from connectors.catalogue import DEFINITIONS
from connectors.definitions import DefinitionError, Provider

CALLBACK_PATH = "/api/connectors/callback"
SANDBOX_CLIENT = "cache-platform-{slug}"
SANDBOX_SECRET = "sandbox-secret-{slug}"  # noqa: S105  # of the sandbox, which is open to whoever reaches it


class UnknownProvider(LookupError):
    """No platform of that name is offered here."""


@dataclass(frozen=True, slots=True)
class Client:
    """This site, as a platform knows it."""

    id: str
    secret: str = field(repr=False)


@cache
def definitions() -> dict[str, Provider]:
    """All definitions by name. Raises DefinitionError for two of one name."""
    found = {provider.slug: provider for provider in DEFINITIONS}
    if len(found) != len(DEFINITIONS):
        raise DefinitionError("two providers have the same name")
    return found


def client_of(provider: Provider) -> Client | None:
    """The site's credentials at a platform; None where it is not registered."""
    if provider.sandbox:
        return Client(SANDBOX_CLIENT.format(slug=provider.slug), SANDBOX_SECRET.format(slug=provider.slug))
    given = settings.OAUTH_CLIENTS.get(provider.slug)
    return Client(*given) if given else None


def is_offered(provider: Provider) -> bool:
    """Whether people can connect it: the sandbox's with PROVIDERS=sandbox, others where the site is registered."""
    return settings.PROVIDERS == "sandbox" if provider.sandbox else client_of(provider) is not None


def offered() -> list[Provider]:
    """The platforms that people can connect, in the order of the catalogue."""
    return [provider for provider in definitions().values() if is_offered(provider)]


def get_provider(slug: str) -> Provider:
    """The offered platform of that name. Raises UnknownProvider."""
    provider = definitions().get(slug)
    if provider is None or not is_offered(provider):
        raise UnknownProvider(slug)
    return provider


def name_of(slug: str) -> str:
    """How people know a platform, whether it is offered or not."""
    provider = definitions().get(slug)
    return provider.name if provider else slug


def address(provider: Provider, url: str) -> str:
    """`url` of a definition, whole."""
    return f"{settings.SANDBOX_URL}{url}" if provider.sandbox else url


def redirect_uri() -> str:
    """Where platforms send people back to; the same text each time, since they compare it letter by letter. From
    SITE_URL, never from a request's Host header."""
    return f"{settings.SITE_URL}{CALLBACK_PATH}"
