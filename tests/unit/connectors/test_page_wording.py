"""The page's words, the signature in figures, and the addresses that it deals with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import RequestFactory

from connectors.connections import Disconnected
from connectors.pages.addresses import form_targets, origin, other_address
from connectors.pages.signatures import COLOURS, signature_panel
from connectors.pages.wording import disconnected_words, until
from connectors.schema import Cluster, Signature, Trait

NOW = datetime(2025, 9, 8, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "now"),
        (0, "now"),
        (0.2, "in 1 s"),
        (59, "in 59 s"),
        (300, "in 5 min"),
        (7300, "in 2 h"),
        (90_000, "in 1 day"),
    ],
)
def test_what_is_to_come_is_said_in_its_largest_unit(seconds: float, words: str) -> None:
    """Never longer than it takes by more than that unit."""
    assert until(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("revocation", "words"),
    [
        ("revoked", "Tunebox has taken the access back."),
        ("pending", "it will be asked again"),
        ("failed", "Tunebox could not be made"),
        ("unsupported", "no way to take the access back"),
        ("none", "is deleted."),
    ],
)
def test_disconnecting_says_whether_the_platform_took_the_access_back(revocation: Any, words: str) -> None:
    """And that what was extracted is gone, in any case."""
    done = Disconnected(provider="tunebox", revoked=revocation == "revoked", revocation=revocation)
    said = disconnected_words("Tunebox", done)
    assert said.startswith("Tunebox is disconnected, and what was extracted from it is deleted.")
    assert words in said
    assert said == said.strip()


def signature(**fields: Any) -> Signature:
    """A signature of three items."""
    given = {
        "user_id": 1,
        "method": "a method",
        "items": 3,
        "platforms": {"tunebox": 2, "daybook": 1},
        "first_at": NOW - timedelta(days=9),
        "last_at": NOW,
        "traits": (Trait(name="night_owl", score=63, basis="2 of 3 after 22:00"),),
        "clusters": (
            Cluster(name="music", share=2 / 3, items=2, labels=("jazz",), platforms=("tunebox",), peak_hour=7),
            Cluster(name="work", share=1 / 3, items=1, labels=(), platforms=("daybook", "gone"), peak_hour=22),
        ),
    }
    return Signature(**{**given, **fields})


def test_without_a_signature_there_is_nothing_to_show() -> None:
    """Neither traits nor clusters."""
    panel = signature_panel(None)
    assert (panel.items, panel.traits, panel.clusters) == (0, (), ())


def test_a_signature_is_shown_in_words_and_bars() -> None:
    """The bars of the clusters stand one behind the other, and fill the whole."""
    panel = signature_panel(signature())
    assert panel.sources == "Tunebox 2, Daybook 1"
    assert [(trait.name, trait.score) for trait in panel.traits] == [("Night owl", 63)]
    music, work = panel.clusters
    assert (music.share, music.x, music.width, music.peak) == ("67 %", "0.00%", "66.67%", "07:00")
    assert (work.share, work.x, work.width, work.platforms) == ("33 %", "66.67%", "33.33%", "Daybook, gone")
    assert panel.first is not None
    assert panel.first.words == "30 Aug 2025"


def test_clusters_never_run_out_of_colours() -> None:
    """Those behind share the last one."""
    cluster = Cluster(name="x", share=0.05, items=1, labels=(), platforms=(), peak_hour=0)
    colours = [bar.colour for bar in signature_panel(signature(clusters=(cluster,) * (COLOURS + 3))).clusters]
    assert colours == [*range(1, COLOURS + 1), COLOURS, COLOURS, COLOURS]


def test_forms_may_lead_to_the_consent_pages_of_what_is_offered(settings: Any) -> None:
    """Each origin once, and nothing of other platforms."""
    settings.SITE_URL, settings.SANDBOX_URL = "https://example.org", "http://127.0.0.1:9000"
    assert form_targets() == ["http://127.0.0.1:9000", "https://example.org"]
    settings.PROVIDERS, settings.OAUTH_CLIENTS = "live", {"github": ("id", "secret")}
    assert form_targets() == ["https://github.com", "https://example.org"]


def test_an_origin_is_scheme_host_and_port() -> None:
    """Nothing of the path."""
    assert origin("https://example.org:8443/a/b?c=d#e") == "https://example.org:8443"


@pytest.mark.parametrize(
    ("site", "host", "other"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:8000", ""),
        ("http://127.0.0.1:8000", "127.0.0.1:9000", ""),
        ("http://127.0.0.1:8000", "localhost:8000", "http://127.0.0.1:8000/connectors/"),
        ("http://[::1]:8000", "[::1]:8000", ""),
        ("http://[::1]:8000", "127.0.0.1:8000", "http://[::1]:8000/connectors/"),
        ("https://Example.org", "example.org", ""),
        ("https://example.org", "www.example.org", "https://example.org/connectors/"),
    ],
)
def test_the_right_address_is_the_one_that_people_come_back_to(settings: Any, site: str, host: str, other: str) -> None:
    """Another host has another cookie; another port has the same."""
    settings.SITE_URL, settings.ALLOWED_HOSTS = site, ["*"]
    assert other_address(RequestFactory().get("/connectors/", headers={"host": host})) == other
