"""Tokens: one use of a code, PKCE, rotation, revocation, and each platform's manners."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.integration.sandbox.platforms import SLUGS, VERIFIER, PlatformClient

LIFETIMES = {"tunebox": 3600, "daybook": 3600, "codeyard": None, "chirper": 300}
REFRESHING = ("tunebox", "daybook", "chirper")
ROTATING = ("tunebox", "chirper")
REVOKING = ("daybook", "chirper")
STRICT = ("tunebox", "daybook", "chirper")


@pytest.fixture
def at(client):
    """Return the client of the platform named."""
    return lambda slug: PlatformClient(client, slug)


def check_error(response: httpx.Response, status: int, error: str) -> None:
    """Return only for an error of RFC 6749, 5.2."""
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.headers["cache-control"] == "no-store"
    assert "access_token" not in response.text


@pytest.mark.parametrize("slug", SLUGS)
def test_a_code_is_exchanged_for_tokens_of_the_account_that_agreed(at, slug):
    """The lifetimes are the platforms', and the answer is not to be kept."""
    response = at(slug).redeem(at(slug).code(account="grace"))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    found = response.json()
    assert found.get("expires_in") == LIFETIMES[slug]
    assert found["token_type"].lower() == "bearer"
    assert ("refresh_token" in found) == (slug in REFRESHING)
    assert "Grace Okafor" in at(slug).profile(found["access_token"]).text


@pytest.mark.parametrize("slug", STRICT)
def test_a_second_use_of_a_code_revokes_what_the_first_gave(at, slug):
    """RFC 6749, 4.1.2: one of the two users is not whom it was given to."""
    code = at(slug).code()
    tokens = at(slug).redeem(code).json()
    check_error(at(slug).redeem(code), 400, "invalid_grant")
    assert at(slug).profile(tokens["access_token"]).status_code == 401
    check_error(at(slug).refresh(tokens["refresh_token"]), 400, "invalid_grant")


@pytest.mark.parametrize("slug", STRICT)
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": ""}, "invalid_request"),
        ({"code_verifier": "b" * 43}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:8001/api/connectors/callback"}, "invalid_grant"),
        ({"redirect_uri": ""}, "invalid_grant"),
    ],
)
def test_a_code_without_its_verifier_or_address_gives_nothing(at, slug, changed, error):
    """An injected code is worth nothing."""
    check_error(at(slug).redeem(at(slug).code(), **changed), 400, error)


@pytest.mark.parametrize("slug", STRICT)
def test_a_code_of_another_platform_gives_nothing(at, slug):
    """Codes are bound to who issued them."""
    other = "chirper" if slug == "tunebox" else "tunebox"
    check_error(at(slug).redeem(at(other).code()), 400, "invalid_grant")


@pytest.mark.parametrize("slug", STRICT)
@pytest.mark.parametrize("secret", ["wrong", "", "sandbox-secret-codeyard", "\u00fc"])
def test_a_wrong_secret_is_invalid_client(at, slug, secret):
    """401, with a challenge."""
    platform = at(slug)
    auth = (platform.credentials[0], secret)
    response = platform.post("token", auth=auth, grant_type="authorization_code", code=platform.code())
    check_error(response, 401, "invalid_client")
    assert response.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("credentials", [b"\xff\xfe:\xff", b"no colon"])
def test_credentials_that_are_no_text_are_invalid_client(at, credentials):
    """Whatever stands there, it is an answer of the protocol."""
    headers = {"Authorization": f"Basic {base64.b64encode(credentials).decode()}"}
    response = at("tunebox").http.post(
        at("tunebox").url("token"), data={"grant_type": "refresh_token"}, headers=headers
    )
    check_error(response, 401, "invalid_client")


@pytest.mark.parametrize("slug", STRICT)
def test_secrets_in_the_form_are_for_those_that_take_them(at, slug):
    """Spotify's and the strict one's clients authenticate by Basic only."""
    platform = at(slug)
    client_id, secret = platform.credentials
    form = {"grant_type": "authorization_code", "code": platform.code(), "code_verifier": VERIFIER}
    form |= {"redirect_uri": "http://127.0.0.1:8000/api/connectors/callback"}
    response = platform.http.post(platform.url("token"), data={**form, "client_id": client_id, "client_secret": secret})
    assert response.status_code == (200 if slug == "daybook" else 401)


@pytest.mark.parametrize("form", [{}, {"grant_type": ""}, {"grant_type": ["refresh_token", "refresh_token"]}])
def test_a_grant_type_is_needed_once(at, form):
    """RFC 6749, 3.2: none or several are no request."""
    platform = at("tunebox")
    check_error(platform.http.post(platform.url("token"), data=form, auth=platform.credentials), 400, "invalid_request")


@pytest.mark.parametrize("grant_type", ["password", "client_credentials", "implicit"])
def test_other_grants_are_unsupported(at, grant_type):
    """Only codes and refresh tokens are exchanged."""
    response = at("chirper").post("token", grant_type=grant_type)
    check_error(response, 400, "unsupported_grant_type")


def test_parameters_in_the_address_of_the_token_endpoint_do_not_count(at):
    """They would be in logs."""
    platform = at("tunebox")
    query = f"?grant_type=authorization_code&code={platform.code()}"
    check_error(platform.http.post(platform.url("token") + query, auth=platform.credentials), 400, "invalid_request")


@pytest.mark.parametrize("slug", ROTATING)
def test_refresh_tokens_are_rotated_and_reuse_revokes_the_family(at, slug):
    """RFC 9700, 4.14.2: thief and owner cannot be told apart, so both lose."""
    platform = at(slug)
    first = platform.tokens()
    second = platform.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert platform.profile(second["access_token"]).status_code == 200
    check_error(platform.refresh(first["refresh_token"]), 400, "invalid_grant")
    for tokens in (first, second):
        assert platform.profile(tokens["access_token"]).status_code == 401
    check_error(platform.refresh(second["refresh_token"]), 400, "invalid_grant")


def test_reuse_leaves_other_consents_alone(at):
    """A family is one consent, not one account."""
    platform = at("tunebox")
    leaked, other = platform.tokens(), platform.tokens()
    platform.refresh(leaked["refresh_token"])
    platform.refresh(leaked["refresh_token"])
    assert platform.profile(other["access_token"]).status_code == 200


def test_daybook_keeps_its_refresh_token(at):
    """As Google: no new one comes, and the old one goes on."""
    platform = at("daybook")
    tokens = platform.tokens()
    for _ in range(2):
        found = platform.refresh(tokens["refresh_token"]).json()
        assert "refresh_token" not in found
        assert platform.profile(found["access_token"]).status_code == 200


def test_daybook_gives_a_refresh_token_only_when_asked_for_offline_access(at):
    """As Google."""
    platform = at("daybook")
    assert "refresh_token" in platform.tokens()
    assert "refresh_token" not in platform.tokens(access_type="online")


def test_a_refresh_cannot_widen_what_was_agreed_to(at):
    """RFC 6749, 6; less may be asked, and does not shrink the refresh token."""
    platform = at("chirper")
    tokens = platform.tokens(scope="messages.read offline_access")
    narrow = platform.refresh(tokens["refresh_token"], scope="offline_access").json()
    assert narrow["scope"] == "offline_access"
    assert platform.items(narrow["access_token"]).status_code == 403
    again = platform.refresh(narrow["refresh_token"]).json()
    assert again["scope"] == "messages.read offline_access"
    only_read = platform.tokens(scope="messages.read")
    check_error(platform.refresh(only_read["refresh_token"], scope="offline_access"), 400, "invalid_scope")


@pytest.mark.parametrize("slug", REFRESHING)
def test_an_access_token_refreshes_nothing(at, slug):
    """The two kinds are not each other."""
    tokens = at(slug).tokens()
    check_error(at(slug).refresh(tokens["access_token"]), 400, "invalid_grant")
    assert at(slug).profile(tokens["refresh_token"]).status_code == 401


@pytest.mark.parametrize("slug", REVOKING)
@pytest.mark.parametrize("name", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["", "access_token", "refresh_token", "something_else"])
def test_revoking_either_token_ends_the_consent(at, slug, name, hint):
    """RFC 7009, 2.1; a wrong hint is but a hint, and revoking again is no error."""
    platform = at(slug)
    tokens = platform.tokens()
    more = {"token_type_hint": hint} if hint else {}
    assert platform.post("revoke", token=tokens[name], **more).status_code == 200
    assert platform.profile(tokens["access_token"]).status_code == 401
    check_error(platform.refresh(tokens["refresh_token"]), 400, "invalid_grant")
    assert platform.post("revoke", token=tokens[name]).status_code == 200


@pytest.mark.parametrize("slug", REVOKING)
def test_revoking_needs_a_client_and_a_token(at, slug):
    """A token that nobody issued is as good as revoked."""
    platform = at(slug)
    token = platform.tokens()["access_token"]
    check_error(platform.post("revoke", auth=(platform.credentials[0], "wrong"), token=token), 401, "invalid_client")
    assert platform.profile(token).status_code == 200
    check_error(platform.post("revoke"), 400, "invalid_request")
    assert platform.post("revoke", token="of nobody").status_code == 200


@pytest.mark.parametrize("slug", ["tunebox", "codeyard"])
def test_those_without_a_revocation_endpoint_have_none(at, slug):
    """Spotify has none, GitHub another."""
    assert at(slug).post("revoke", token="x").status_code == 404


class TestCodeyard:
    """GitHub's ways."""

    @pytest.fixture
    def codeyard(self, at):
        """Return its client."""
        return at("codeyard")

    def test_a_bad_code_is_told_with_status_200(self, codeyard):
        """Whoever looks at the status alone stores an error for a token."""
        response = codeyard.redeem("nonsense")
        assert response.status_code == 200
        assert response.json()["error"] == "bad_verification_code"
        assert response.json()["error_description"]

    def test_a_code_is_good_once(self, codeyard):
        """The second use revokes here too."""
        code = codeyard.code()
        token = codeyard.redeem(code).json()["access_token"]
        assert codeyard.redeem(code).json()["error"] == "bad_verification_code"
        assert codeyard.profile(token).status_code == 401

    def test_wrong_credentials_are_told_with_status_200(self, codeyard):
        """By its own name."""
        response = codeyard.post("token", auth=("cache-platform-codeyard", "wrong"), grant_type="authorization_code")
        assert response.status_code == 200
        assert response.json()["error"] == "incorrect_client_credentials"

    def test_it_answers_with_a_form_unless_json_is_asked_for(self, codeyard):
        """Errors and tokens alike."""
        headers = {"Accept": "*/*"}
        form = {"grant_type": "authorization_code", "code": codeyard.code(scope="read:user,repo")}
        form |= {"redirect_uri": "http://127.0.0.1:8000/api/connectors/callback", "code_verifier": VERIFIER}
        response = codeyard.http.post(codeyard.url("token"), data=form, auth=codeyard.credentials, headers=headers)
        assert response.headers["content-type"].startswith("application/x-www-form-urlencoded")
        found = dict(parse_qsl(response.text, strict_parsing=True))
        assert set(found) == {"access_token", "token_type", "scope"}
        assert found["scope"] == "read:user,repo"
        again = codeyard.http.post(codeyard.url("token"), data=form, auth=codeyard.credentials, headers=headers)
        assert dict(parse_qsl(again.text))["error"] == "bad_verification_code"

    def test_there_is_nothing_to_refresh(self, codeyard):
        """Its tokens have no end."""
        assert codeyard.refresh("x").json()["error"] == "unsupported_grant_type"

    def delete(self, codeyard, body, *, auth=None, client_id="cache-platform-codeyard"):
        """Ask for a token to be deleted."""
        address = codeyard.url(f"applications/{client_id}/token")
        return codeyard.http.request("DELETE", address, json=body, auth=auth or codeyard.credentials)

    def test_a_token_is_deleted(self, codeyard):
        """204 and gone; then there is none."""
        token = codeyard.tokens()["access_token"]
        assert self.delete(codeyard, {"access_token": token}).status_code == 204
        assert codeyard.profile(token).status_code == 401
        assert self.delete(codeyard, {"access_token": token}).status_code == 404

    def test_only_the_client_deletes_its_tokens(self, codeyard, client):
        """And it says which."""
        path = "applications/cache-platform-codeyard/token"
        token = codeyard.tokens()["access_token"]
        wrong = ("cache-platform-codeyard", "wrong")
        assert self.delete(codeyard, {"access_token": token}, auth=wrong).status_code == 401
        assert self.delete(codeyard, {"access_token": token}, client_id="other").status_code == 404
        for body in ({}, [], {"access_token": 1}, None):
            assert self.delete(codeyard, body).status_code == 422
        odd = client.request(
            "DELETE", codeyard.url(path), content=rb'{"access_token":"\ud800"}', auth=codeyard.credentials
        )
        assert odd.status_code == 404
        assert codeyard.profile(token).status_code == 200
