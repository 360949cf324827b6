"""A client of the sandbox's platforms, for tests: it begins, redeems, refreshes, revokes and reads."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

CALLBACK = "http://127.0.0.1:8000/api/connectors/callback"
VERIFIER = "a-verifier-of-the-length-that-the-protocol-wants-43"
FORM = re.compile(r'name="form" value="([^"]+)"')
SLUGS = ("tunebox", "daybook", "codeyard", "chirper")
PROFILES = {
    "tunebox": "v1/me",
    "daybook": "oauth2/v3/userinfo",
    "codeyard": "user",
    "chirper": "api/me",
}
LISTS = {
    "tunebox": "v1/me/player/recently-played",
    "daybook": "calendar/v3/calendars/primary/events",
    "codeyard": "user/repos",
    "chirper": "api/messages",
}


def challenge(verifier: str) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def parameters(location: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(location).query, strict_parsing=True))


@dataclass(frozen=True)
class PlatformClient:
    """The registered client of one platform. Each of its consents is in a browser of its own."""

    http: httpx.Client
    slug: str

    @property
    def credentials(self) -> tuple[str, str]:
        """Id and secret."""
        return f"cache-platform-{self.slug}", f"sandbox-secret-{self.slug}"

    def query(self, **changed: str | None) -> str:
        """A good authorization request, with some parameters changed or, for None, left out."""
        asked = {
            "response_type": "code",
            "client_id": self.credentials[0],
            "redirect_uri": CALLBACK,
            "state": "a state",
            "code_challenge": challenge(VERIFIER),
            "code_challenge_method": "S256",
            "access_type": "offline",
            **changed,
        }
        return urlencode({name: value for name, value in asked.items() if value is not None})

    def authorize(self, **changed: str | None) -> httpx.Response:
        """What a browser without cookies gets for an authorization request."""
        return httpx.get(f"{self.url('authorize')}?{self.query(**changed)}", verify=False)

    def decide(self, *, account: str = "ada", decision: str = "allow", **changed: str | None) -> str:
        """Where the consent page leads."""
        address = f"{self.url('authorize')}?{self.query(**changed)}"
        with httpx.Client(verify=False) as browser:
            page = browser.get(address)
            assert page.status_code == 200, page.text
            found = FORM.search(page.text)
            assert found is not None
            answer = browser.post(address, data={"form": found[1], "account": account, "decision": decision})
            assert answer.status_code == 302, answer.text
            return answer.headers["Location"]

    def code(self, **about: str) -> str:
        """A fresh code."""
        return parameters(self.decide(**about))["code"]

    def post(self, endpoint: str, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
        """Ask the token or revocation endpoint, with the right credentials unless others are given."""
        headers = {"Accept": "application/json"}
        return self.http.post(self.url(endpoint), data=form, auth=auth or self.credentials, headers=headers)

    def redeem(self, code: str, **changed: str) -> httpx.Response:
        """Exchange a code."""
        form = {"redirect_uri": CALLBACK, "code_verifier": VERIFIER, **changed}
        return self.post("token", grant_type="authorization_code", code=code, **form)

    def tokens(self, **about: str) -> dict[str, str]:
        """The tokens of a fresh consent."""
        response = self.redeem(self.code(**about))
        assert response.status_code == 200, response.text
        return response.json()

    def refresh(self, token: str, **more: str) -> httpx.Response:
        """Exchange a refresh token."""
        return self.post("token", grant_type="refresh_token", refresh_token=token, **more)

    def profile(self, token: str) -> httpx.Response:
        """Whose token it is."""
        return self.read(PROFILES[self.slug], token)

    def items(self, token: str, **query: str | int) -> httpx.Response:
        """One page of what the platform holds."""
        return self.read(LISTS[self.slug], token, **query)

    def read(self, path: str, token: str, **query: str | int) -> httpx.Response:
        """Ask a data API."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.http.get(f"/platforms/{self.slug}/{path}", params=query, headers=headers)

    def url(self, endpoint: str) -> str:
        """The address of an endpoint of the authorization server."""
        return str(self.http.base_url.join(f"/oauth/{self.slug}/{endpoint}"))
