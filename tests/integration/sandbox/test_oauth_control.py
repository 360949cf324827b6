"""The control panel of the authorization servers, their faults and counts, and state that outlives the process."""

from __future__ import annotations

import stat
import time

import httpx
import pytest

from tests.integration.sandbox.conftest import PATIENCE, running
from tests.integration.sandbox.platforms import SLUGS, PlatformClient
from tests.integration.sandbox.test_process import failing_start

DEFAULTS = {"expires_in": None, "refuse_refresh": False, "quota": None}


@pytest.fixture
def at(client):
    """Return the client of the platform named."""
    return lambda slug: PlatformClient(client, slug)


def order(client, **settings):
    """Change settings; returns what is shown then."""
    return client.post("/_control/oauth", json=settings).raise_for_status().json()


def test_settings_change_alone_and_are_shown_with_counts(client, at):
    """What is left out stays; a reset takes the settings, not the tokens."""
    order(client, revoke_all=True)
    at("tunebox").tokens()
    assert order(client, expires_in=60).items() >= {**DEFAULTS, "expires_in": 60}.items()
    shown = order(client, quota=5, refuse_refresh=True)
    assert shown.items() >= {"expires_in": 60, "quota": 5, "refuse_refresh": True}.items()
    assert client.get("/_control/oauth").json() == shown
    assert (shown["access_tokens"], shown["refresh_tokens"]) == (1, 1)
    client.post("/_control/reset").raise_for_status()
    assert client.get("/_control/oauth").json() == shown | DEFAULTS


def test_live_codes_are_counted_until_they_are_used(client, at):
    """One more, and one less."""
    before = order(client)["codes"]
    code = at("chirper").code()
    assert order(client)["codes"] == before + 1
    at("chirper").redeem(code)
    assert order(client)["codes"] == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_in": 0}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_in": 1.5}, "expires_in"),
        ({"quota": -1}, "quota"),
        ({"refuse_refresh": 1}, "refuse_refresh"),
        ({"expire_all": None}, "expire_all"),
        ({"revoke_all": "yes"}, "revoke_all"),
        ({"other": 1}, "other"),
        ([], "body"),
    ],
)
def test_a_wrong_field_is_named_and_changes_nothing(client, body, field):
    """400, as for faults."""
    response = client.post("/_control/oauth", json=body)
    assert response.status_code == 400
    assert response.json()["field"] == field
    assert client.get("/_control/oauth").json().items() >= DEFAULTS.items()


def test_no_json_is_named_as_such(client):
    """Neither is a method that is not there."""
    sent = client.post("/_control/oauth", content=b"{", headers={"Content-Type": "application/json"})
    assert (sent.status_code, sent.json()["field"]) == (400, "body")
    assert client.put("/_control/oauth").status_code == 405


def test_lifetimes_of_tokens_issued_from_now_on_can_be_set(client, at):
    """On all platforms, refreshed tokens too; then they end."""
    old = at("tunebox").tokens()
    order(client, expires_in=1)
    for slug in SLUGS:
        assert at(slug).tokens()["expires_in"] == 1
    short = at("tunebox").refresh(old["refresh_token"]).json()
    assert short["expires_in"] == 1
    ends = time.monotonic() + PATIENCE
    while at("tunebox").profile(short["access_token"]).status_code == 200:
        assert time.monotonic() < ends
    assert at("tunebox").profile(old["access_token"]).status_code == 200


def test_all_access_tokens_can_expire_at_once(client, at):
    """Those without an end too; refreshing goes on."""
    tokens = {slug: at(slug).tokens() for slug in SLUGS}
    assert order(client, expire_all=True)["access_tokens"] == 0
    for slug, found in tokens.items():
        assert at(slug).profile(found["access_token"]).status_code == 401
    fresh = at("chirper").refresh(tokens["chirper"]["refresh_token"]).json()
    assert at("chirper").profile(fresh["access_token"]).status_code == 200


def test_all_tokens_can_be_revoked_at_once(client, at):
    """Nothing refreshes them."""
    tokens = at("daybook").tokens()
    shown = order(client, revoke_all=True)
    assert (shown["access_tokens"], shown["refresh_tokens"]) == (0, 0)
    assert at("daybook").profile(tokens["access_token"]).status_code == 401
    assert at("daybook").refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_refreshing_can_be_refused(client, at):
    """invalid_grant while it is; the refresh token is not used up by that."""
    tokens = at("tunebox").tokens()
    order(client, refuse_refresh=True)
    refused = at("tunebox").refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    order(client, refuse_refresh=False)
    assert at("tunebox").refresh(tokens["refresh_token"]).status_code == 200


def test_token_and_data_requests_are_counted_apart(client, at):
    """Token, revoke and delete as oauth, profile and data as platform, refused ones too."""
    daybook, codeyard = at("daybook"), at("codeyard")
    token = daybook.tokens()["access_token"]
    daybook.profile(token)
    daybook.items(token)
    daybook.items("of nobody")
    daybook.post("revoke", token=token)
    codeyard.http.request("DELETE", codeyard.url("applications/x/token"))
    at("tunebox").post("revoke", token=token)
    found = client.get("/_control/calls").json()
    assert (found["oauth"], found["platform"]) == (3, 3)


class TestFaults:
    """What goes wrong on purpose."""

    def ask(self, at, service):
        """Ask something of the service."""
        return at("chirper").refresh("x") if service == "oauth" else at("chirper").profile("x")

    def fault(self, client, service, mode, **more):
        """Set a fault."""
        client.post("/_control/faults", json={"service": service, "mode": mode, **more}).raise_for_status()

    @pytest.mark.parametrize("service", ["oauth", "platform"])
    def test_an_error_is_a_500_in_json(self, client, at, service):
        """In the form of the protocol or the platform."""
        self.fault(client, service, "error")
        response = self.ask(at, service)
        assert response.status_code == 500
        assert response.json()["error"] == "server_error"

    @pytest.mark.parametrize("service", ["oauth", "platform"])
    def test_a_rate_limit_says_when_to_come_again(self, client, at, service):
        """429 with Retry-After, in seconds."""
        self.fault(client, service, "rate_limited")
        response = self.ask(at, service)
        assert response.status_code == 429
        assert int(response.headers["retry-after"]) > 0
        assert "error" in response.json()

    @pytest.mark.parametrize("service", ["oauth", "platform"])
    def test_a_malformed_answer_is_a_page_with_status_200(self, client, at, service):
        """As of a proxy in front."""
        self.fault(client, service, "malformed")
        response = self.ask(at, service)
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/html")
        assert "<h1>" in response.text

    def test_a_malformed_answer_uses_no_code_up(self, client, at):
        """The server behind the proxy has not seen the request."""
        code = at("chirper").code()
        self.fault(client, "oauth", "malformed")
        at("chirper").redeem(code)
        self.fault(client, "oauth", "off")
        assert at("chirper").redeem(code).status_code == 200

    @pytest.mark.parametrize("service", ["oauth", "platform"])
    def test_a_huge_answer_begins_like_a_good_one(self, client, at, service):
        """Without a Content-Length."""
        self.fault(client, service, "huge")
        platform = at("chirper")
        address = platform.url("token") if service == "oauth" else "/platforms/chirper/api/me"
        with client.stream("POST" if service == "oauth" else "GET", address) as response:
            assert response.status_code == 200
            assert "content-length" not in response.headers
            assert next(response.iter_bytes(1)) == b"{"

    @pytest.mark.parametrize("service", ["oauth", "platform"])
    def test_a_timeout_never_answers(self, client, at, service):
        """The client gives up; the sandbox goes on."""
        self.fault(client, service, "timeout")
        client.timeout = httpx.Timeout(0.3)
        with pytest.raises(httpx.ReadTimeout):
            self.ask(at, service)
        client.timeout = httpx.Timeout(PATIENCE)
        assert client.get("/_control/calls").json()[service] == 1

    @pytest.mark.parametrize("service", ["oauth", "platform"])
    def test_a_slow_answer_is_late(self, client, at, service):
        """By the delay set."""
        self.fault(client, service, "slow", delay_ms=200)
        assert self.ask(at, service).elapsed.total_seconds() >= 0.2


class TestState:
    """What `--state` keeps."""

    def test_tokens_outlive_the_process_and_a_kill(self, tmp_path):
        """Codes, access and refresh tokens; the file is nobody else's and holds none of them in the clear."""
        folder = tmp_path / "deep" / "state"
        with (
            running("--port", "0", "--state", str(folder)) as (process, address),
            httpx.Client(base_url=address, verify=False) as http,
        ):
            tokens = PlatformClient(http, "tunebox").tokens(account="margaret")
            code = PlatformClient(http, "chirper").code()
            process.kill()
            process.wait(timeout=PATIENCE)
        files = list(folder.iterdir())
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
        kept = b"".join(path.read_bytes() for path in files)
        for secret in (tokens["access_token"], tokens["refresh_token"], code):
            assert secret.encode() not in kept
        with (
            running("--port", "0", "--state", str(folder)) as (_, address),
            httpx.Client(base_url=address, verify=False) as http,
        ):
            tunebox = PlatformClient(http, "tunebox")
            assert tunebox.profile(tokens["access_token"]).json()["display_name"] == "Margaret Silva"
            assert tunebox.refresh(tokens["refresh_token"]).status_code == 200
            assert PlatformClient(http, "chirper").redeem(code).status_code == 200
            assert http.get("/_control/oauth").json().items() >= DEFAULTS.items()

    def test_without_a_folder_a_restart_forgets(self):
        """Nothing is written anywhere."""
        with running() as (_, address), httpx.Client(base_url=address, verify=False) as http:
            token = PlatformClient(http, "tunebox").tokens()["access_token"]
        with running() as (_, address), httpx.Client(base_url=address, verify=False) as http:
            assert PlatformClient(http, "tunebox").profile(token).status_code == 401

    def test_a_folder_is_one_sandboxs(self, tmp_path):
        """The second one ends with one clear line, and the first goes on."""
        with running("--port", "0", "--state", str(tmp_path)) as (_, address):
            ended = failing_start("--port", "0", "--state", str(tmp_path))
            assert ended.returncode == 1
            assert len(ended.stderr.splitlines()) == 1
            assert str(tmp_path) in ended.stderr
            assert httpx.get(f"{address}/_control/oauth", verify=False).status_code == 200

    def test_a_folder_that_cannot_be_is_one_clear_line(self, tmp_path):
        """A file stands there."""
        (tmp_path / "file").write_text("")
        ended = failing_start("--port", "0", "--state", str(tmp_path / "file"))
        assert ended.returncode == 1
        assert len(ended.stderr.splitlines()) == 1
