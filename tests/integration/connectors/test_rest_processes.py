"""A change by one web process shows at once on another one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.integration.connectors.people import CALLBACK, HTML, platform_in
from tests.integration.connectors.platforms import consent
from tests.services.fixtures import SiteFactory
from tests.services.sandbox import SandboxUnderTest
from tests.services.site import PASSWORD, SiteUnderTest


class Browser:
    """One browser, signed in, that talks to any of the processes."""

    def __init__(self, site: SiteUnderTest, username: str) -> None:
        with httpx.Client(base_url=site.url, trust_env=False, verify=False) as browser:
            form = {"username": username, "password": PASSWORD}
            form["csrfmiddlewaretoken"] = browser.get("/accounts/login/").cookies["csrftoken"]
            assert browser.post("/accounts/login/", data=form).status_code == 302
            self.cookies = dict(browser.cookies)
        self.id = self.ask(site, "GET", "/api/profile").json()["data"]["user_id"]

    def ask(self, site: SiteUnderTest, method: str, path: str, **given: Any) -> httpx.Response:
        """One request to that process."""
        headers = {"X-CSRFToken": self.cookies["csrftoken"], **given.pop("headers", {})}
        return httpx.request(
            method,
            site.url + path,
            cookies=self.cookies,
            headers=headers,
            trust_env=False,
            timeout=30,
            **given,
            verify=False,
        )

    def status(self, site: SiteUnderTest) -> dict[str, Any]:
        """What that process says of the own platforms."""
        return dict(self.ask(site, "GET", f"/api/connectors/status/{self.id}").raise_for_status().json())


@pytest.fixture
def sites(site: SiteFactory) -> tuple[SiteUnderTest, SiteUnderTest]:
    """Two processes of the site on one database and one Redis, known to platforms by the first one's address."""
    one = site(workers=1)
    shared = {name: one.environment[name] for name in ("DATABASE_URL", "VAR_DIR")}
    return one, site(workers=1, SITE_URL=one.url, **shared)


def test_each_change_shows_at_once_on_the_other_process(
    sites: tuple[SiteUnderTest, SiteUnderTest], sandbox: SandboxUnderTest
) -> None:
    """Begun on one process and finished on the other; connected, disconnected, reset, and reset with nothing there."""
    ada = Browser(sites[0], "ada")

    def shows(provider: str, status: str, *, on: SiteUnderTest) -> None:
        first, second = ada.status(on), ada.status(on)
        assert (first["cached"], second["cached"]) == (False, True)
        assert platform_in(first, provider)["status"] == status
        assert second == {**first, "cached": True}

    for writer, reader in (sites, sites[::-1]):
        assert [ada.status(each)["data"]["connected"] for each in (*sites, *sites)] == [0] * 4
        begun = ada.ask(writer, "POST", "/api/connectors/chirper/authorize").json()["data"]["authorization_url"]
        given = consent(sandbox, begun)
        answer = ada.ask(reader, "GET", CALLBACK, params=given, headers={"Accept": HTML})
        assert (answer.status_code, answer.headers["Location"]) == (303, "/connectors/")
        shows("chirper", "connected", on=writer)
        assert ada.status(reader)["cached"] is True

        assert ada.ask(writer, "DELETE", f"/api/connectors/chirper/{ada.id}").json()["data"]["revoked"] is True
        shows("chirper", "disconnected", on=reader)
        for _ in range(2):
            assert ada.ask(writer, "POST", f"/api/connectors/reset/{ada.id}").status_code == 200
            shows("chirper", "disconnected", on=reader)
    assert ada.ask(sites[0], "GET", f"/api/connectors/status/{ada.id + 1}").status_code == 404
    assert not any(given["code"] in line or given["state"] in line for each in sites for line in each.lines)


def test_of_callbacks_at_once_one_connects(site: SiteFactory, sandbox: SandboxUnderTest) -> None:
    """With one state, on two processes: the others are refused before the platform is asked, which would take the
    tokens back if it saw the code twice."""
    both = site(workers=2)
    ada = Browser(both, "ada")
    for provider in ("tunebox", "daybook", "chirper"):
        begun = ada.ask(both, "POST", f"/api/connectors/{provider}/authorize").json()["data"]["authorization_url"]
        given = consent(sandbox, begun)
        before = sandbox.calls()["oauth"]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: ada.ask(both, "GET", CALLBACK, params=given), range(4)))  # noqa: B023  # the pool ends within the round
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]
        assert sandbox.calls()["oauth"] == before + 1
        assert platform_in(ada.status(both), provider)["status"] == "connected"
