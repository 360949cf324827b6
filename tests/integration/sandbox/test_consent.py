"""The consent page: who may ask, where it leads, and that nobody else can answer in a person's place."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import httpx
import pytest

from tests.integration.sandbox.platforms import CALLBACK, FORM, SLUGS, PlatformClient, parameters


@pytest.fixture(params=SLUGS)
def platform(client, request):
    """Return the client of each platform."""
    return PlatformClient(client, request.param)


@pytest.fixture
def tunebox(client):
    """Return the client of one platform, where all behave alike."""
    return PlatformClient(client, "tunebox")


def test_allowing_leads_back_with_a_code_the_state_and_the_issuer(platform, address):
    """RFC 6749, 4.1.2 and RFC 9207."""
    location = platform.decide()
    assert location.startswith(f"{CALLBACK}?")
    found = parameters(location)
    assert set(found) == {"code", "state", "iss"}
    assert found["state"] == "a state"
    assert found["iss"] == f"{address}/oauth/{platform.slug}"
    assert len(found["code"]) >= 43


def test_denying_leads_back_with_access_denied(platform, address):
    """RFC 6749, 4.1.2.1, with the state and the issuer too."""
    found = parameters(platform.decide(decision="deny"))
    found.pop("error_description")
    assert found == {"error": "access_denied", "state": "a state", "iss": f"{address}/oauth/{platform.slug}"}


def test_the_page_names_who_asks_for_what(platform):
    """The client's address, the platform, all accounts, and each scope in words."""
    page = platform.authorize().text
    assert urlsplit(CALLBACK).netloc in page
    assert f"Cache Platform see your {platform.slug.title()}" in page
    assert set(re.findall(r'name="account" value="(\w+)"', page)) == {"ada", "grace", "linus", "margaret"}
    assert page.count("<li>") == 1


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1:1/api/connectors/callback",
        "http://127.0.0.1:65535/api/connectors/callback",
        "http://127.0.0.1/api/connectors/callback",
        "http://[::1]:8000/api/connectors/callback",
    ],
)
def test_any_port_of_a_loopback_address_is_registered(tunebox, redirect_uri):
    """RFC 8252, 7.3; the code is bound to the address that was used."""
    assert tunebox.authorize(redirect_uri=redirect_uri).status_code == 200
    location = tunebox.decide(redirect_uri=redirect_uri)
    assert location.startswith(f"{redirect_uri}?")
    assert tunebox.redeem(parameters(location)["code"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "",
        "http://localhost:8000/api/connectors/callback",
        "https://127.0.0.1:8000/api/connectors/callback",
        "http://127.0.0.1:8000/api/connectors/callback/",
        "http://127.0.0.1:8000/api/connectors/callback?next=/",
        "http://127.0.0.1:8000/api/connectors/callback#x",
        "http://127.0.0.1:8000/api/connectors/../callback",
        "http://127.0.0.1:65536/api/connectors/callback",
        "http://127.0.0.1:0/api/connectors/callback",
        "http://127.0.0.1:/api/connectors/callback",
        "http://127.0.0.1:8000@evil.example/api/connectors/callback",
        "http://evil.example/api/connectors/callback",
        "http://127.0.0.1.evil.example/api/connectors/callback",
        "HTTP://127.0.0.1:8000/api/connectors/callback",
        "http://127.0.0.1:8000/api/connectors/callback\n",
        'http://127.0.0.1:8000/api/connectors/"callback',
        "http://127.0.0.2:8000/api/connectors/callback",
        "http://[::ffff:127.0.0.1]:8000/api/connectors/callback",
        "http://127.0.0.1:\u0668\u0660/api/connectors/callback",
    ],
)
def test_an_address_that_is_not_registered_gets_a_page_and_no_redirect(platform, redirect_uri):
    """Not even with an error: that would make an open redirector."""
    response = platform.authorize(redirect_uri=redirect_uri)
    assert response.status_code == 400
    assert "location" not in response.headers
    assert "not registered" in response.text
    assert "evil" not in response.text


@pytest.mark.parametrize("client_id", [None, "", "cache-platform-daybook", "cache-platform-tunebox ", "\ud83d\ude00"])
def test_an_unknown_client_gets_a_page_and_no_redirect(tunebox, client_id):
    """The client of another platform is unknown as well."""
    client_id = client_id and client_id.encode("utf-16", "surrogatepass").decode("utf-16")
    response = tunebox.authorize(client_id=client_id)
    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"response_type": 'co"de\u00e9\\'}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
    ],
)
def test_other_errors_are_told_to_the_client(tunebox, address, changed, error):
    """By a redirect to the registered address, with state and issuer."""
    response = tunebox.authorize(**changed)
    assert response.status_code == 302
    assert response.headers["location"].startswith(f"{CALLBACK}?")
    found = parameters(response.headers["location"])
    assert found["error"] == error
    assert found["state"] == "a state"
    assert found["iss"] == f"{address}/oauth/tunebox"


def test_every_platform_wants_pkce_with_s256(platform):
    """Confidential clients are no exception."""
    for changed in ({"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}):
        location = platform.authorize(**changed).headers["location"]
        assert parameters(location)["error"] == "invalid_request"


@pytest.mark.parametrize("name", ["response_type", "client_id", "redirect_uri", "scope", "state"])
def test_a_parameter_given_twice_gets_a_page(tunebox, name):
    """RFC 6749, 3.1: which of the two counts would be a matter of taste."""
    twice = {"response_type": "code", "client_id": tunebox.credentials[0], "redirect_uri": CALLBACK}
    query = f"{tunebox.query(scope='user-read-private')}&{httpx.QueryParams({name: twice.get(name, 'x')})}"
    response = tunebox.http.get(f"{tunebox.url('authorize')}?{query}")
    assert response.status_code == 400
    assert "location" not in response.headers


def test_the_page_cannot_be_framed_scripted_or_kept(platform):
    """Its policy allows its own style sheet, and forms that lead to itself or back to the client."""
    headers = platform.authorize().headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", policy["style-src"])
    assert policy["form-action"] == "'self' http://127.0.0.1:8000"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    cookie = headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


class TestForeignForms:
    """A form that another page, another browser or another request brought decides nothing."""

    @pytest.fixture
    def page(self, tunebox):
        """Return a browser that looks at the page, its address, and the form's token."""
        address = f"{tunebox.url('authorize')}?{tunebox.query()}"
        with httpx.Client(verify=False) as browser:
            found = FORM.search(browser.get(address).text)
            yield browser, address, found[1]

    def check_refused(self, response):
        """Return only for a page with 403 that leads nowhere."""
        assert response.status_code == 403
        assert "location" not in response.headers

    def test_without_a_token(self, page):
        """What a page that knows nothing would send."""
        browser, address, _ = page
        self.check_refused(browser.post(address, data={"decision": "allow"}))

    def test_with_a_changed_token(self, page):
        """It is signed."""
        browser, address, form = page
        changed = ("1" if form[0] == "0" else "0") + form[1:]
        self.check_refused(browser.post(address, data={"decision": "allow", "form": changed}))

    def test_with_the_token_of_another_browser(self, page):
        """An attacker can open the page too, but not set the victim's cookie."""
        _, address, form = page
        with httpx.Client(verify=False) as victim:
            victim.get(address)
            self.check_refused(victim.post(address, data={"decision": "allow", "form": form}))
        self.check_refused(httpx.post(address, data={"decision": "allow", "form": form}, verify=False))

    def test_for_another_request(self, page):
        """What was shown is what is agreed to: a further scope, another state or platform would need another page."""
        browser, address, form = page
        sent = {"decision": "allow", "form": form}
        self.check_refused(browser.post(f"{address}&scope=user-read-private", data=sent))
        self.check_refused(browser.post(address.replace("a+state", "another"), data=sent))
        self.check_refused(browser.post(address.replace("tunebox", "chirper"), data=sent))

    @pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
    def test_from_another_origin(self, page, origin):
        """Each browser names the origin of a page that posts."""
        browser, address, form = page
        sent = {"decision": "allow", "form": form}
        self.check_refused(browser.post(address, data=sent, headers={"Origin": origin}))
        assert browser.post(address, data=sent).status_code == 302

    @pytest.mark.parametrize("sent", [{}, {"decision": "yes"}, {"decision": "allow", "account": "mallory"}])
    def test_a_form_that_says_nothing_known_is_refused(self, page, sent):
        """Neither yes nor no, or nobody."""
        browser, address, form = page
        response = browser.post(address, data={"form": form, **sent})
        assert response.status_code == 400
        assert "location" not in response.headers

    def test_the_form_cannot_change_the_request(self, page):
        """Parameters of the protocol count in the address only."""
        browser, address, form = page
        sent = {"decision": "allow", "form": form, "redirect_uri": "http://evil.example/", "state": "mine"}
        location = browser.post(address, data=sent).headers["location"]
        assert location.startswith(f"{CALLBACK}?")
        assert parameters(location)["state"] == "a state"


def test_consents_are_no_calls(tunebox, client):
    """They are a person's, and take no delay and no fault."""
    client.post("/_control/faults", json={"service": "oauth", "mode": "error"})
    tunebox.decide()
    assert set(client.get("/_control/calls").json().values()) == {0}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
def test_other_methods_are_not_allowed(tunebox, method):
    """405 says which are."""
    response = httpx.request(method, f"{tunebox.url('authorize')}?{tunebox.query()}", verify=False)
    assert response.status_code == 405
    assert response.headers["allow"] == "GET, POST"
