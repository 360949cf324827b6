"""The parts of the authorization servers that need no server: addresses, quotas, settings, the store."""

from __future__ import annotations

import stat

import pytest
from django.core import signing
from django.test import RequestFactory

from sandbox.oauth.accounts import ACCOUNTS, DEFAULT_ACCOUNT
from sandbox.oauth.client import Client, is_registered
from sandbox.oauth.definitions import PLATFORMS, TUNEBOX
from sandbox.oauth.forms import COOKIE, LIFETIME, form_token, is_own_form
from sandbox.oauth.grants import CODE_SECONDS, CodeGrant
from sandbox.oauth.records import Code, Grant
from sandbox.oauth.server import Server
from sandbox.oauth.store import StateError, Store, digest
from sandbox.oauth.switches import Settings, SwitchError, parse_order
from sandbox.platforms.quotas import Quotas

GRANT = Grant(platform="tunebox", account="ada", scope="user-read-private", family="f")


def code(**changed: object) -> Code:
    """A code that ends at 60."""
    about = {"redirect_uri": "http://127.0.0.1/", "code_challenge": "c", "offline": False, "expires_at": 60.0}
    return Code(**{"digest": "", "grant": GRANT, **about, **changed})


def test_platforms_are_told_apart_and_their_accounts_known():
    """Names and clients are unique."""
    assert len({platform.slug for platform in PLATFORMS}) == len({platform.client_id for platform in PLATFORMS}) == 4
    assert DEFAULT_ACCOUNT in ACCOUNTS
    assert len({account.number for account in ACCOUNTS.values()}) == len(ACCOUNTS)


@pytest.mark.parametrize("port", ["1", "80", "65535"])
def test_ports_are_free_to_choose(port):
    """RFC 8252, 7.3."""
    assert is_registered(f"http://127.0.0.1:{port}/api/connectors/callback")


@pytest.mark.parametrize("port", ["0", "00080", "65536", "99999", "123456", "8o"])
def test_what_is_no_port_is_not_registered(port):
    """No second spelling of the same address either."""
    assert not is_registered(f"http://127.0.0.1:{port}/api/connectors/callback")


@pytest.mark.parametrize(("now", "good"), [(0.0, True), (59.9, True), (60.0, False)])
def test_a_code_is_good_for_a_minute(now, good):
    """And not at its end."""
    store = Store()
    store.add_code("c", code(expires_at=float(CODE_SECONDS)))
    grant = CodeGrant(None, Server(TUNEBOX, store, Settings(), issuer="", now=now))
    assert (grant.query_authorization_code("c", Client(TUNEBOX)) is not None) == good
    store.close()


@pytest.mark.parametrize(("age", "good"), [(0, True), (LIFETIME - 1, True), (LIFETIME + 1, False)])
def test_a_form_is_good_for_ten_minutes(monkeypatch, age, good):
    """Then the page must be opened again."""
    browser = "0" * 32
    monkeypatch.setattr(signing.time, "time", lambda: 1_000_000.0)
    form = form_token(RequestFactory().get("/oauth/tunebox/authorize?a=b"), browser)
    posted = RequestFactory().post("/oauth/tunebox/authorize?a=b", {"form": form})
    posted.COOKIES[COOKIE] = browser
    monkeypatch.setattr(signing.time, "time", lambda: 1_000_000.0 + age)
    assert is_own_form(posted) == good


class TestQuotas:
    """Windows of a minute."""

    def test_a_window_begins_with_a_call_and_ends_after_a_minute(self):
        """At its end all is granted again."""
        quotas = Quotas()
        taken = [quotas.take("p", "a", limit=2, now=100.7) for _ in range(3)]
        assert [call.granted for call in taken] == [True, True, False]
        assert [call.remaining for call in taken] == [1, 0, 0]
        assert {call.reset for call in taken} == {160}
        assert not quotas.take("p", "a", limit=2, now=159.9).granted
        again = quotas.take("p", "a", limit=2, now=160.0)
        assert (again.granted, again.remaining, again.reset) == (True, 1, 220)

    def test_refused_calls_use_nothing_up(self):
        """A raised limit counts at once."""
        quotas = Quotas()
        assert not quotas.take("p", "a", limit=0, now=0).granted
        assert quotas.take("p", "a", limit=1, now=1).granted

    def test_accounts_and_platforms_count_apart(self):
        """And a cleared count begins anew."""
        quotas = Quotas()
        assert all(quotas.take(p, a, limit=1, now=0).granted for p in "pq" for a in "ab")
        assert not quotas.take("p", "a", limit=1, now=0).granted
        quotas.clear()
        assert quotas.take("p", "a", limit=1, now=0).granted


def test_settings_keep_what_an_order_leaves_out():
    """null is a value, absence is not."""
    current = Settings(expires_in=5, refuse_refresh=True, quota=7)
    assert parse_order({}, current).settings == current
    assert parse_order({"quota": None}, current).settings == Settings(expires_in=5, refuse_refresh=True)
    order = parse_order({"expire_all": True}, current)
    assert (order.expire_all, order.revoke_all) == (True, False)


@pytest.mark.parametrize("body", [None, "x", {1: 2}, {"quota": "1"}, {"expires_in": 10**12}])
def test_a_wrong_order_is_refused(body):
    """With the name of the field."""
    with pytest.raises(SwitchError) as caught:
        parse_order(body, Settings())
    assert caught.value.field


class TestStore:
    """Codes and tokens in SQLite."""

    @pytest.fixture
    def store(self):
        """Return one in memory."""
        found = Store()
        yield found
        found.close()

    def test_what_failed_half_way_never_was(self, store):
        """Token and mark come together."""

        def fail() -> None:
            with store.transaction():
                store.add_token("t", "access", GRANT)
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert store.find_token("tunebox", "t", "access") is None

    def test_tokens_are_found_by_platform_and_kind(self, store):
        """Nothing else finds them."""
        store.add_token("t", "access", GRANT, expires_at=10.0)
        found = store.find_token("tunebox", "t", "access")
        assert found.grant == GRANT
        assert found.is_live(9.9)
        assert not found.is_live(10.0)
        assert store.find_token("tunebox", "t", "refresh") is None
        assert store.find_token("chirper", "t", "access") is None
        assert store.find_token("tunebox", digest("t"), "access") is None

    def test_live_ones_are_counted(self, store):
        """Used, revoked and expired ones are not."""
        store.add_code("c", code())
        store.add_token("a", "access", GRANT, expires_at=10.0)
        store.add_token("b", "access", GRANT)
        store.add_token("r", "refresh", GRANT)
        assert store.counts(5.0) == {"codes": 1, "access_tokens": 2, "refresh_tokens": 1}
        assert store.counts(60.0) == {"codes": 0, "access_tokens": 1, "refresh_tokens": 1}
        store.use_code(store.find_code("tunebox", "c"))
        store.use_token(store.find_token("tunebox", "r", "refresh"))
        store.expire_all(5.0)
        assert store.counts(5.0) == {"codes": 0, "access_tokens": 0, "refresh_tokens": 0}

    def test_secrets_are_in_no_repr(self, store):
        """Neither texts nor digests nor challenges."""
        store.add_code("c", code(code_challenge="the challenge"))
        store.add_token("t", "access", GRANT)
        shown = repr(store.find_code("tunebox", "c")) + repr(store.find_token("tunebox", "t", "access"))
        for secret in ("the challenge", digest("c"), digest("t")):
            assert secret not in shown

    def test_a_file_that_others_could_read_is_made_private(self, tmp_path):
        """Before anything is in it."""
        path = tmp_path / "oauth.sqlite3"
        path.touch(mode=0o644)
        Store(tmp_path).close()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_a_link_is_not_followed(self, tmp_path):
        """It would lead the mode and the content elsewhere."""
        (tmp_path / "elsewhere").write_text("")
        (tmp_path / "oauth.sqlite3").symlink_to(tmp_path / "elsewhere")
        with pytest.raises(StateError):
            Store(tmp_path)

    def test_a_file_that_is_no_database_is_left_alone(self, tmp_path):
        """It may be somebody's."""
        (tmp_path / "oauth.sqlite3").write_text("a diary, not a database, " * 100)
        with pytest.raises(StateError, match="not a database"):
            Store(tmp_path)
        assert (tmp_path / "oauth.sqlite3").read_text().startswith("a diary")
