"""What the API does is what its schema says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher

from config.schema import document
from tests.contracts.schema_fuzz import Outcome, Who, fuzz
from tests.services.fixtures import SiteFactory
from tests.services.site import PASSWORD, SiteUnderTest

WITHOUT_LIMITS = {
    f"RATE_LIMIT_{name}": "1000000/60s" for name in ("AUTH", "AUTH_ADDRESS", "SEARCH", "CHAT", "UPLOAD", "AURAS")
}


def quick_site(site: SiteFactory, *, workers: int, **variables: str) -> SiteUnderTest:
    """A site on which a password costs next to nothing, with demo accounts whose passwords are kept that way."""
    server = site(workers=workers, **variables)
    with closing(sqlite3.connect(server.environment["DATABASE_URL"].removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE accounts_user SET password = ?", (MD5PasswordHasher().encode(PASSWORD, "salt"),))
    return server


def check(outcome: Outcome, *, cases: int) -> None:
    """Every route was asked, often enough, and nothing was found."""
    assert not outcome.failures, outcome.output
    assert not outcome.errors, outcome.output
    # All but the document's own route, which it reads to begin with.
    assert outcome.operations == sum(len(methods) for methods in document()["paths"].values()) - 1, outcome.output
    assert outcome.cases >= cases, outcome.output


def test_the_api_does_what_its_schema_says(site: SiteFactory, tmp_path: Path) -> None:
    """The examples, and the boundaries of every parameter and field that fit it, as a person: all is taken, and nothing
    comes back that is not declared. What does not fit is for the long one."""
    server = quick_site(site, workers=1, **WITHOUT_LIMITS)
    outcome = fuzz(server.url, tmp_path, who="person", phases="examples,coverage", mode="positive", seed=1, timeout=110)
    check(outcome, cases=500)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("who", ["stranger", "person", "staff"])
def test_thousands_of_requests_find_nothing(site: SiteFactory, tmp_path: Path, who: Who) -> None:
    """Strangers under the limits that the site has, people and staff without limits."""
    limits = {} if who == "stranger" else WITHOUT_LIMITS
    server = quick_site(site, workers=2, **limits)
    phases = "examples,coverage,fuzzing,stateful"
    outcome = fuzz(server.url, tmp_path, who=who, phases=phases, examples=40, seed=2, timeout=1700)
    check(outcome, cases=3000)
