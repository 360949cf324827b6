"""The sandbox as tests use it: its faults, its call counts, and the people at its consent pages."""

from __future__ import annotations

import os
import re
from typing import Self

import httpx

from config.services.site import sandbox
from tests.services.forked_service import ForkedService

FORM_TOKEN = re.compile(r'name="form" value="([^"]+)"')


class SandboxUnderTest:
    """A sandbox on a free port, without delays unless told otherwise. Use as a context manager."""

    def __init__(self, *, delays: str = "off") -> None:
        self._delays = delays

    def __enter__(self) -> Self:
        environment = {**os.environ, "SANDBOX_DELAYS": self._delays, "PYTHONUNBUFFERED": "1"}
        self._service = ForkedService(sandbox(environment, port=0))
        self._service.wait_until_ready()
        self._client = httpx.Client(base_url=self.url, timeout=10.0, trust_env=False, verify=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._service.stop()

    @property
    def url(self) -> str:
        """The address, as SANDBOX_URL takes it."""
        assert self._service.ready_match is not None
        return self._service.ready_match[1]

    @property
    def pid(self) -> int:
        """The sandbox's process id."""
        return self._service.pid

    def calls(self) -> dict[str, int]:
        """How often each service has been asked since the last reset."""
        return self._client.get("/_control/calls").raise_for_status().json()

    def reset(self) -> None:
        """Set the counts to 0 and remove all faults."""
        self._client.post("/_control/reset").raise_for_status()

    def fault(self, **fault: object) -> None:
        """Set a fault: `service`, `mode`, and optionally `delay_ms` and `rate`."""
        self._client.post("/_control/faults", json=fault).raise_for_status()

    def oauth(self, **settings: object) -> dict[str, object]:
        """Change the authorization servers: `expires_in`, `refuse_refresh`, `quota`, `expire_all`, `revoke_all`.

        Returns the settings, and how many codes and tokens are live; without arguments nothing changes.
        """
        return self._client.post("/_control/oauth", json=settings).raise_for_status().json()

    def consent(self, authorization_url: str, account: str = "ada", decision: str = "allow") -> str:
        """Decide as a person at the consent page would, in a browser of their own; returns where it redirects to.

        An error that is told to the client is a redirect too; a request that gets no page and no redirect fails the
        test, with what was said.
        """
        with httpx.Client(timeout=10.0, trust_env=False, verify=False) as browser:
            page = browser.get(authorization_url)
            if page.is_redirect:
                return page.headers["Location"]
            form = FORM_TOKEN.search(page.text)
            assert page.status_code == 200, page.text
            assert form is not None, page.text
            sent = {"form": form[1], "account": account, "decision": decision}
            answer = browser.post(authorization_url, data=sent)
            assert answer.status_code == 302, answer.text
            return answer.headers["Location"]
