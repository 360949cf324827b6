"""Definitions and which of them are offered: wrong ones are refused, and credentials decide."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from msgspec.structs import replace

from connectors import providers
from connectors.catalogue import DEFINITIONS
from connectors.definitions import RESERVED, DataApi, DefinitionError, Profile, Provider, Revocation
from connectors.providers import UnknownProvider, address, client_of, get_provider, name_of, offered, redirect_uri

GOOD = Provider(
    slug="one",
    name="One",
    authorize_url="https://one.test/authorize",
    token_url="https://one.test/token",
    profile=Profile(url="https://one.test/me", id="id", name=("name",)),
    scopes=("read",),
)
REAL = {"google", "github", "spotify"}
PLAYED = {"tunebox", "daybook", "codeyard", "chirper"}


@pytest.mark.parametrize("slug", ["", "A", "a", "1a", "a b", "a/b", "a_b", "a" * 31, "ü", "a\n", *sorted(RESERVED)])
def test_names_that_do_not_fit_a_route_are_refused(slug: str) -> None:
    """And those that the routes take for themselves."""
    with pytest.raises(DefinitionError, match="not a name"):
        replace(GOOD, slug=slug)


@pytest.mark.parametrize("url", ["http://one.test/x", "/x", "", "ftp://one.test", " https://one.test"])
@pytest.mark.parametrize("where", ["authorize_url", "token_url", "profile", "revocation", "data"])
def test_real_platforms_are_spoken_to_over_tls(where: str, url: str) -> None:
    """Every address of theirs."""
    made: dict[str, Any] = {
        "profile": replace(GOOD.profile, url=url),
        "revocation": Revocation(url=url),
        "data": DataApi(url=url, kind="plays", items="", item_id="id", item_title=("t",), item_time=("at",)),
    }
    with pytest.raises(DefinitionError, match="must begin with https://"):
        replace(GOOD, **{where: made.get(where, url)})


def test_platforms_of_the_sandbox_have_no_host_of_their_own() -> None:
    """They live where SANDBOX_URL says."""
    with pytest.raises(DefinitionError, match="must begin with /"):
        replace(GOOD, sandbox=True)


def test_catalogue_has_real_and_played_platforms() -> None:
    """All of them with PKCE; no two of one name."""
    assert {each.slug for each in DEFINITIONS if not each.sandbox} == REAL
    assert {each.slug for each in DEFINITIONS if each.sandbox} == PLAYED
    assert all(each.pkce for each in DEFINITIONS)
    assert {each.data.kind for each in DEFINITIONS if each.data} == {"plays", "events", "repositories", "messages"}
    providers.definitions.cache_clear()
    try:
        with mock.patch.object(providers, "DEFINITIONS", (GOOD, GOOD)), pytest.raises(DefinitionError):
            providers.definitions()
    finally:
        providers.definitions.cache_clear()


def test_sandbox_is_offered_when_it_plays_the_providers(settings: Any) -> None:
    """And real ones where the site is registered, whatever plays the others."""
    settings.OAUTH_CLIENTS = {"github": ("id", "secret")}
    assert {each.slug for each in offered()} == PLAYED | {"github"}
    settings.PROVIDERS = "live"
    assert [each.slug for each in offered()] == ["github"]
    for slug in (*PLAYED, "google", "nobody"):
        with pytest.raises(UnknownProvider):
            get_provider(slug)


def test_names_are_known_of_platforms_that_are_not_offered(settings: Any) -> None:
    """A record of one may still be shown."""
    settings.PROVIDERS = "live"
    assert [name_of(slug) for slug in ("chirper", "google", "gone")] == ["Chirper", "Google", "gone"]


def test_addresses_follow_the_settings(settings: Any) -> None:
    """The sandbox's; those of real platforms stay as they are, and people come back to SITE_URL."""
    settings.SANDBOX_URL, settings.SITE_URL = "http://127.0.0.1:9", "https://site.test"
    chirper = get_provider("chirper")
    assert address(chirper, chirper.token_url) == "http://127.0.0.1:9/oauth/chirper/token"
    assert address(GOOD, GOOD.token_url) == GOOD.token_url
    assert redirect_uri() == "https://site.test/api/connectors/callback"


def test_client_hides_its_secret(settings: Any) -> None:
    """In whatever it is printed into."""
    settings.OAUTH_CLIENTS = {"one": ("the-id", "the-secret")}
    client = client_of(GOOD)
    assert client is not None
    assert (client.id, client.secret) == ("the-id", "the-secret")
    assert "the-secret" not in repr(client)
    assert client_of(replace(GOOD, slug="two")) is None
