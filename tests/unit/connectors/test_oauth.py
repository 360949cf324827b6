"""The OAuth client against what Google, GitHub and Spotify really want and answer."""

from __future__ import annotations

import base64
import hashlib
import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from cache_platform.exceptions import SourceMalformed, SourceRefused, SourceTimeout, SourceUnavailable
from connectors import oauth
from connectors.oauth import Granted, OAuthRefused
from connectors.providers import get_provider
from connectors.tokens import Tokens
from tests.unit.connectors.platform_double import (
    ACCESS,
    REFRESH,
    REGISTERED,
    TOKEN,
    VERIFIER,
    fetched,
    fields,
    platform,
)
from tests.unit.connectors.platform_double import registered as registered

pytestmark = pytest.mark.usefixtures("registered")

ALL = ("google", "github", "spotify")


def authorize(slug: str) -> tuple[str, dict[str, str]]:
    """The address of the consent page without its query, and the query."""
    url = urlsplit(oauth.authorization_url(get_provider(slug), state="the-state", verifier=VERIFIER))
    pairs = parse_qsl(url.query, strict_parsing=True)
    assert len(dict(pairs)) == len(pairs)
    return f"{url.scheme}://{url.netloc}{url.path}", dict(pairs)


@pytest.mark.parametrize(
    ("slug", "address", "scope", "more"),
    [
        (
            "google",
            "https://accounts.google.com/o/oauth2/v2/auth",
            "openid email profile https://www.googleapis.com/auth/calendar.readonly",
            {"access_type": "offline", "prompt": "consent"},
        ),
        ("github", "https://github.com/login/oauth/authorize", "read:user", {}),
        ("spotify", "https://accounts.spotify.com/authorize", "user-read-recently-played", {}),
    ],
)
def test_people_are_sent_with_all_that_the_platform_wants(
    slug: str, address: str, scope: str, more: dict[str, str]
) -> None:
    """RFC 6749, 4.1.1, the challenge of RFC 7636, 4.3, and what is the platform's own; no secret and no verifier."""
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert authorize(slug) == (
        address,
        {
            "response_type": "code",
            "client_id": REGISTERED[slug][0],
            "redirect_uri": "https://site.test/api/connectors/callback",
            "scope": scope,
            "state": "the-state",
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
            **more,
        },
    )


@pytest.mark.parametrize("slug", ALL)
def test_code_is_exchanged_with_the_verifier_and_the_client_proves_itself(slug: str) -> None:
    """Spotify by Basic alone, the others in the form; never both, which RFC 6749, 2.3 forbids."""
    client_id, secret = REGISTERED[slug]
    with platform(slug, httpx.Response(200, json=TOKEN)) as requests:
        granted = oauth.fetch(get_provider(slug), code="a code+/=&%", verifier=VERIFIER, redirect="https://site.test/b")
    (request,) = requests
    sent = {
        "grant_type": "authorization_code",
        "code": "a code+/=&%",
        "redirect_uri": "https://site.test/b",
        "code_verifier": VERIFIER,
    }
    if slug == "spotify":
        basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
        assert request.headers["Authorization"] == f"Basic {basic}"
    else:
        assert "Authorization" not in request.headers
        sent |= {"client_id": client_id, "client_secret": secret}
    assert fields(request) == sent
    assert (request.method, str(request.url)) == ("POST", get_provider(slug).token_url)
    assert request.headers["Accept"] == "application/json"
    assert granted == Granted(Tokens(ACCESS, REFRESH), 3600, get_provider(slug).scopes)


def test_github_answers_without_end_or_refresh_and_with_commas_between_scopes() -> None:
    """Its tokens do not expire; the scopes are those it granted."""
    answer = {"access_token": ACCESS, "scope": "read:user,repo", "token_type": "bearer"}
    granted = fetched("github", httpx.Response(200, json=answer))
    assert granted == Granted(Tokens(ACCESS, ""), None, ("read:user", "repo"))


@pytest.mark.parametrize(
    ("scope", "scopes"),
    [
        ("a b", ("a", "b")),
        ("a,b", ("a", "b")),
        (" a, b  a ", ("a", "b")),
        ("", ("user-read-recently-played",)),
        ("  ", ("user-read-recently-played",)),
        (None, ("user-read-recently-played",)),
        (["a"], ("user-read-recently-played",)),
    ],
)
def test_scopes_are_read_with_spaces_and_with_commas(scope: object, scopes: tuple[str, ...]) -> None:
    """An answer that does not say means what was asked for (RFC 6749, 5.1)."""
    assert fetched("spotify", httpx.Response(200, json={**TOKEN, "scope": scope})).scopes == scopes


def test_github_says_with_200_that_a_code_is_bad() -> None:
    """That is a refusal, not an answer."""
    body = {
        "error": "bad_verification_code",
        "error_description": "The code passed is incorrect or expired.",
        "error_uri": "https://docs.github.com/apps/bad-verification-code",
    }
    with pytest.raises(OAuthRefused) as caught:
        fetched("github", httpx.Response(200, json=body))
    assert caught.value.code == "bad_verification_code"


def test_github_that_answers_a_form_is_not_understood() -> None:
    """It does so unless JSON is asked for; a form is no token here."""
    form = f"access_token={ACCESS}&scope=read%3Auser&token_type=bearer"
    answer = httpx.Response(200, text=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    with pytest.raises(SourceMalformed) as caught:
        fetched("github", answer)
    assert ACCESS not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("slug", ALL)
@pytest.mark.parametrize(("status", "code"), [(400, "invalid_grant"), (401, "invalid_client"), (403, "access_denied")])
def test_refusals_carry_their_code(slug: str, status: int, code: str) -> None:
    """RFC 6749, 5.2."""
    with pytest.raises(OAuthRefused) as caught:
        fetched(slug, httpx.Response(status, json={"error": code, "error_description": "Malformed auth code."}))
    assert caught.value.code == code


@pytest.mark.parametrize("description", ['the "code" is bad', "zeile\r\nzwei", "schlüssel", 5, ["x"], {"a": 1}])
def test_refusal_stays_one_whatever_describes_it(description: object) -> None:
    """Platforms describe with quotes and line breaks, which RFC 6749 does not allow; the code is what counts."""
    body = {"error": "invalid_grant", "error_description": description}
    with pytest.raises(OAuthRefused, match="invalid_grant"):
        fetched("spotify", httpx.Response(400, json=body))


@pytest.mark.parametrize("error", ["<b>", "", "x" * 41, "Bad", None, 5, {"code": 1}, ["x"], "a\nb", ACCESS])
def test_errors_that_are_no_words_are_unknown(error: object) -> None:
    """What a platform wrote there is not repeated."""
    with pytest.raises(OAuthRefused) as caught:
        fetched("spotify", httpx.Response(400, json={"error": error}))
    assert str(caught.value) == caught.value.code == "unknown_error"


@pytest.mark.parametrize("code", ["temporarily_unavailable", "server_error"])
def test_refusals_that_say_later_are_an_outage(code: str) -> None:
    """They say nothing of the grant."""
    with pytest.raises(SourceUnavailable):
        fetched("spotify", httpx.Response(400, json={"error": code}))


def renewed(slug: str, answer: dict[str, object]) -> tuple[Granted, httpx.Request]:
    """What comes of a refresh, and its request."""
    with platform(slug, httpx.Response(200, json=answer)) as requests:
        granted = oauth.refresh(get_provider(slug), Tokens("old-access", "old-refresh"), ("a", "b"))
    (request,) = requests
    return granted, request


@pytest.mark.parametrize("slug", ["google", "spotify"])
@pytest.mark.parametrize("given", [{}, {"refresh_token": None}])
def test_refresh_without_a_new_refresh_token_keeps_the_old_one(slug: str, given: dict[str, object]) -> None:
    """RFC 6749, 6; and the scopes that were granted before."""
    answer = {"access_token": ACCESS, "token_type": "Bearer", "expires_in": 3599, **given}
    granted, request = renewed(slug, answer)
    assert granted == Granted(Tokens(ACCESS, "old-refresh"), 3599, ("a", "b"))
    sent = fields(request)
    assert (sent["grant_type"], sent["refresh_token"]) == ("refresh_token", "old-refresh")
    assert sent.keys() <= {"grant_type", "refresh_token", "client_id", "client_secret"}


def test_refresh_with_a_new_refresh_token_takes_it() -> None:
    """Rotation (RFC 9700, 4.14.2)."""
    assert renewed("spotify", TOKEN)[0].tokens == Tokens(ACCESS, REFRESH)


BOTH = Tokens(ACCESS, REFRESH)


def revoke(slug: str, response: httpx.Response | Exception, tokens: Tokens = BOTH) -> httpx.Request:
    """The request that revokes."""
    with platform(slug, response) as requests:
        oauth.revoke(get_provider(slug), tokens)
    (request,) = requests
    return request


@pytest.mark.parametrize(("tokens", "sent"), [(Tokens(ACCESS, REFRESH), REFRESH), (Tokens(ACCESS, ""), ACCESS)])
def test_google_is_asked_by_post_with_the_token_that_ends_the_grant(tokens: Tokens, sent: str) -> None:
    """RFC 7009, 2.1: in the form, never in the address."""
    request = revoke("google", httpx.Response(200), tokens)
    assert (request.method, str(request.url)) == ("POST", "https://oauth2.googleapis.com/revoke")
    assert fields(request)["token"] == sent


def test_github_is_asked_by_delete_with_basic_and_the_token_as_json() -> None:
    """Its own way; nothing secret in the address."""
    client_id, secret = REGISTERED["github"]
    request = revoke("github", httpx.Response(204))
    assert (request.method, str(request.url)) == ("DELETE", f"https://api.github.com/applications/{client_id}/token")
    basic = base64.b64encode(f"{client_id}:{secret}".encode()).decode()
    assert request.headers["Authorization"] == f"Basic {basic}"
    assert json.loads(request.content) == {"access_token": ACCESS}


def test_spotify_cannot_be_asked() -> None:
    """It has no endpoint for it, and is sent nothing."""
    with platform("spotify", httpx.Response(200)) as requests, pytest.raises(SourceRefused):
        oauth.revoke(get_provider("spotify"), Tokens(ACCESS, REFRESH))
    assert requests == []


def test_token_that_github_does_not_know_any_more_is_taken_back() -> None:
    """Its answer for that is 404."""
    revoke("github", httpx.Response(404, json={"message": "Not Found"}))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_revocation_endpoint_that_refuses_has_not_revoked(status: int) -> None:
    """By RFC 7009 an unknown token is a 200; a 404 is an endpoint that is not there."""
    with pytest.raises(SourceRefused):
        revoke("google", httpx.Response(status, json={"error": "invalid_token"}))


@pytest.mark.parametrize("slug", ["google", "github"])
@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (httpx.Response(503), SourceUnavailable),
        (httpx.Response(302, headers={"Location": "https://evil.test"}), SourceMalformed),
        (httpx.ConnectTimeout("x"), SourceTimeout),
    ],
)
def test_revocation_that_is_not_answered_is_an_outage(
    slug: str, response: httpx.Response | Exception, expected: type[Exception]
) -> None:
    """Whoever asked may ask again."""
    with pytest.raises(expected):
        revoke(slug, response)


def test_platform_where_the_site_is_not_registered_is_not_asked(settings: object) -> None:
    """Credentials that were taken out of the settings meanwhile."""
    provider = get_provider("google")
    settings.OAUTH_CLIENTS = {}  # type: ignore[attr-defined]  # pytest-django's
    with platform("google", httpx.Response(200, json=TOKEN)) as requests:
        with pytest.raises(SourceRefused):
            oauth.refresh(provider, Tokens("a", "b"), ())
        with pytest.raises(SourceRefused):
            oauth.revoke(provider, Tokens("a", "b"))
    assert requests == []
