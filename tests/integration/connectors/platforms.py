"""The sandbox's platforms, as people and operators meet them."""

from __future__ import annotations

from urllib.parse import parse_qs, parse_qsl, urlsplit

from connectors.platform_api import data_source, oauth_source
from connectors.providers import definitions
from tests.services.sandbox import SandboxUnderTest


def consent(sandbox: SandboxUnderTest, url: str, **choices: str) -> dict[str, str]:
    """What a platform adds to the address when a person decides on its consent page at `url`."""
    return dict(parse_qsl(urlsplit(sandbox.consent(url, **choices)).query))


def state_of(url: str) -> str:
    """The state in the address of a consent page."""
    return parse_qs(urlsplit(url).query)["state"][0]


def take_all_for_well() -> None:
    """Forget in this process which platforms failed, and the connections with them."""
    for slug in definitions():
        for source in (oauth_source(slug), data_source(slug)):
            source.outage.reset()
            source.close()
