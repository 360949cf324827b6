"""Tokens and keys in the hands of strangers: nothing is told, nothing is kept, nothing falls over."""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.core.signals import got_request_exception
from django.db import connection
from django.test import Client
from django.views.debug import ExceptionReporter
from django.views.decorators.debug import sensitive_variables
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from accounts import api_keys, tokens
from accounts.key_text import new_key
from accounts.models import ApiKey, TokenFamily, User
from accounts.owners import owners
from tests.integration.accounts.credentials import (
    PASSWORD,
    REFUSED,
    SignedIn,
    assert_refused,
    empty_redis,
    make_key,
    new_user,
    post,
    sign_in,
    who,
)
from tests.services.redis import RedisUnderTest

__all__ = ["empty_redis"]
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.integration.accounts.routes"),
    pytest.mark.usefixtures("empty_redis"),
]
Queries = Callable[[int], AbstractContextManager[Any]]


class Captured(logging.Handler):
    """All log records, of every logger and level, in full."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line, its arguments, and all else that a handler could write down."""
        text = logging.Formatter("%(message)s").format(record)
        rest = {name: repr(value) for name, value in vars(record).items()}
        self.lines.append(text + json.dumps(rest))


@pytest.fixture
def log(settings: Any) -> Iterator[Captured]:
    """What is logged in this test, queries among it."""
    settings.DEBUG = True  # Django logs no queries else
    handler = Captured()
    names = ["", *(name for name, known in django_settings.LOGGING["loggers"].items() if not known.get("propagate", 1))]
    loggers = [logging.getLogger(name) for name in names]
    levels = [(logger, logger.level) for logger in [*loggers, logging.getLogger("django.db.backends")]]
    for logger, _ in levels:
        logger.setLevel(logging.DEBUG)
    for logger in loggers:
        logger.addHandler(handler)
    yield handler
    for logger in loggers:
        logger.removeHandler(handler)
    for logger, level in levels:
        logger.setLevel(level)


def everything_in_redis(server: RedisUnderTest) -> str:
    """Every key and value, whatever its type."""
    found: list[object] = []
    with server.client() as raw:
        for key in raw.scan_iter("*"):
            kind = raw.type(key)
            read = {
                b"string": lambda key=key: raw.get(key),
                b"hash": lambda key=key: raw.hgetall(key),
                b"list": lambda key=key: raw.lrange(key, 0, -1),
                b"set": lambda key=key: raw.smembers(key),
                b"zset": lambda key=key: raw.zrange(key, 0, -1, withscores=True),
            }[kind]
            found.append((key, read()))
    assert found
    return repr(found)


def everything_in_the_database() -> str:
    """Every row of every table."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows.append((table, cursor.fetchall()))
    return repr(rows)


def parts_of(secret: str) -> list[str]:
    """A secret, and what of it would be enough: the signature of a token, the random part of a key."""
    return [secret, secret.rpartition("." if "." in secret else "_")[2]]


def test_no_token_and_no_key_is_kept_anywhere(client: Client, redis_cache: RedisUnderTest, log: Captured) -> None:
    """A whole life of each: made, used, used again, refreshed, used where it does not fit, revoked, used again."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    key = {"X-API-Key": made["key"]}
    for _ in range(2):
        assert who(client, signed_in.bearer).status_code == who(client, key).status_code == 200
    renewed = post(client, "/api/auth/refresh", {"refresh": signed_in.refresh}).json()
    assert who(client, {"Authorization": f"Bearer {renewed['access']}"}).status_code == 200
    between = everything_in_redis(redis_cache) + everything_in_the_database()
    assert who(client, {"Authorization": f"Bearer {renewed['refresh']}"}).status_code == 401
    assert post(client, "/api/auth/refresh", {"refresh": signed_in.refresh}).status_code == 401
    assert client.delete(f"/api/auth/api-keys/{made['id']}", headers=sign_in(client, signed_in.user).bearer)
    for headers in (signed_in.bearer, key, {**signed_in.bearer, **key}):
        assert who(client, headers).status_code in {400, 401}
    found = between + everything_in_redis(redis_cache) + everything_in_the_database() + "\n".join(log.lines)
    assert made["prefix"] in found
    assert "auth.jwt" in found
    assert any("SELECT" in line and "accounts_tokenfamily" in line for line in log.lines)
    secrets = [signed_in.access, signed_in.refresh, renewed["access"], renewed["refresh"], made["key"], PASSWORD]
    for secret in secrets:
        for part in parts_of(secret):
            assert part not in found
    for token in secrets[:4]:
        assert jwt.decode(token, options={"verify_signature": False})["jti"] not in found
        assert hashlib.sha256(token.encode()).hexdigest() not in found


@pytest.mark.parametrize("debug", [False, True])
def test_error_pages_show_no_secret(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any, debug: bool, log: Captured
) -> None:
    """Not even Django's own, with all variables of all frames; nor does the log of the error."""
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    settings.DEBUG = debug
    client.raise_request_exception = False

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    for place in ("accounts.tokens.identity_of", "accounts.api_keys.identity_of"):
        monkeypatch.setattr(place, fails)
    answers = [who(client, signed_in.bearer), who(client, {"X-API-Key": made["key"]})]
    monkeypatch.undo()
    monkeypatch.setattr("accounts.tokens._pair", fails)
    credentials = {"username": signed_in.user.username, "password": PASSWORD}
    answers += [
        post(client, "/api/auth/token", credentials),
        post(client, "/api/auth/refresh", {"refresh": signed_in.refresh}),
    ]
    assert {answer.status_code for answer in answers} == {500}
    pages = "".join(answer.content.decode() for answer in answers)
    assert ("on purpose" in pages) is debug
    for secret in (signed_in.access, signed_in.refresh, made["key"], PASSWORD):
        for part in parts_of(secret):
            assert part not in pages
            assert part not in "\n".join(log.lines)


def test_reports_to_admins_show_no_secret(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Django would send by mail, with the variables of frames, when the checking of a secret itself fails."""
    signed_in = sign_in(client)
    client.raise_request_exception = False
    reports: list[str] = []

    def report(request: Any, **_: object) -> None:
        reports.append(ExceptionReporter(request, *sys.exc_info(), is_email=True).get_traceback_html())

    @sensitive_variables()
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("on purpose")

    new = "another horse 43 staple"
    got_request_exception.connect(report)
    try:
        monkeypatch.setattr("accounts.passwords.authenticate", fails)
        post(client, "/api/auth/token", {"username": signed_in.user.username, "password": PASSWORD})
        post(client, "/api/auth/password", {"old": PASSWORD, "new": new}, signed_in.bearer)
        monkeypatch.setattr("accounts.rest.tokens.parse_refresh", fails)
        post(client, "/api/auth/refresh", {"refresh": signed_in.refresh})
    finally:
        got_request_exception.disconnect(report)
    assert len(reports) == 3
    for number, text in enumerate(reports):
        assert "on purpose" in text
        for secret in (PASSWORD, new, signed_in.refresh, signed_in.access):
            assert (number, text.find(secret)) == (number, -1)


# One refusal


def segment(value: object) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(signed_in: SignedIn) -> dict[str, str]:
    """Tokens that were not made here, or not for this, by what is wrong with them."""
    claims = AccessToken(signed_in.access).payload
    key = django_settings.SIMPLE_JWT["SIGNING_KEY"]
    expired = AccessToken(signed_in.access)
    expired.set_exp(lifetime=-expired.lifetime)
    nobody, stranger = AccessToken(signed_in.access), AccessToken(signed_in.access)
    nobody["user_id"] = "999999999"
    stranger["user_id"] = str(new_user().pk)
    alone = AccessToken.for_user(signed_in.user)
    huge = AccessToken(signed_in.access)
    huge["user_id"] = "9" * 40
    body = signed_in.access.split(".")[1]
    return {
        "refresh as access": signed_in.refresh,
        "expired": str(expired),
        "signed with SECRET_KEY": jwt.encode(claims, django_settings.SECRET_KEY, algorithm="HS256"),
        "HS512": jwt.encode(claims, key, algorithm="HS512"),
        "none": f"{segment({'alg': 'none', 'typ': 'JWT'})}.{body}.",
        "RS256": f"{segment({'alg': 'RS256', 'typ': 'JWT'})}.{body}.{signed_in.access.split('.')[2]}",
        "no such user": str(nobody),
        "another user": str(stranger),
        "a user beyond counting": str(huge),
        "no family": str(alone),
        "of a library's refresh token": str(RefreshToken.for_user(signed_in.user).access_token),
        "other signature": signed_in.access[:-3] + "AAA",
        "malformed": "not.a.token",
        "empty": "",
        "spaces": "   ",
        "two tokens": f"{signed_in.access} {signed_in.access}",
        "two headers": f"{signed_in.access},Bearer {signed_in.access}",
        "a megabyte": "a" * 1_000_000,
        "three parts of a megabyte": ".".join(["a" * 400_000] * 3),
        "bytes": "\xff\xfe\x00\x80",
        "not latin": "tök.en.é",
        "no-break space": f"\xa0{signed_in.access}",
        "a key": new_key().text,
    }


def test_all_that_is_wrong_gets_one_answer(client: Client, redis_cache: RedisUnderTest, log: Captured) -> None:
    """Byte for byte, and neither an entry nor a word in the log that repeats the token."""
    signed_in = sign_in(client)
    wrong = forged(signed_in)
    log.lines.clear()
    for name, token in wrong.items():
        answer = who(client, {"Authorization": f"Bearer {token}"})
        assert (name, answer.content) == (name, REFUSED)
        assert_refused(answer)
    for token in wrong.values():
        assert len(token) < 10 or token not in "\n".join(log.lines)
    with redis_cache.client() as raw:
        entries = list(raw.scan_iter("cp:auth.jwt:*"))
    assert len(entries) == 3  # well signed: nobody's, another user's, and one whose number no database holds


def test_revoked_inactive_and_deleted_get_the_same_answer(client: Client) -> None:
    """As all the others do, for tokens and keys alike."""
    for end in (
        lambda user: TokenFamily.objects.filter(user=user).update(revoked_at=user.date_joined),
        lambda user: User.objects.filter(pk=user.pk).update(is_active=False),
        lambda user: user.delete(),
    ):
        signed_in = sign_in(client)
        key = {"X-API-Key": make_key(client, signed_in)["key"]}
        assert who(client, signed_in.bearer).status_code == who(client, key).status_code == 200
        ApiKey.objects.filter(user=signed_in.user).update(revoked_at=signed_in.user.date_joined)
        end(signed_in.user)
        for _ in range(2):
            assert_refused(who(client, signed_in.bearer))
            assert_refused(who(client, key))


def test_a_refused_token_is_remembered_for_a_while(client: Client, django_assert_num_queries: Queries) -> None:
    """A client that goes on with a revoked token or key costs no query each time."""
    signed_in = sign_in(client)
    key = {"X-API-Key": make_key(client, signed_in)["key"]}
    assert who(client, key).status_code == 200
    ApiKey.objects.update(revoked_at=signed_in.user.date_joined)
    post(client, "/api/auth/logout", {"refresh": signed_in.refresh})
    for headers in (signed_in.bearer, key):
        assert_refused(who(client, headers))
        with django_assert_num_queries(0):
            assert_refused(who(client, headers))


@pytest.mark.parametrize("header", ["Bearer", "bearer", "Bearer ", "BEARER\t", " Bearer", "", " "])
def test_a_header_without_a_token_is_refused(client: Client, header: str) -> None:
    """It is no request without credentials, and a session does not stand in."""
    client.force_login(new_user())
    assert_refused(who(client, {"Authorization": header}))


@pytest.mark.parametrize("header", ["Basic eDp5", "Token x", "Bearerx", "Bearer,x", "\xff", "Digest a=b"])
def test_another_scheme_is_nobodys(client: Client, header: str) -> None:
    """A challenge, and never a 500."""
    answer = who(client, {"Authorization": header})
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_token_and_a_key_together_are_refused(client: Client) -> None:
    """RFC 6750, section 2: who it is must not depend on which one is looked at first; good or bad, the same answer."""
    one, other = sign_in(client), sign_in(client)
    key = {"X-API-Key": make_key(client, other)["key"]}
    answers = [
        who(client, {**one.bearer, **key}),
        who(client, {**one.bearer, "X-API-Key": "x"}),
        who(client, {"Authorization": "Bearer x", **key}),
        who(client, {"Authorization": "Bearer x", "X-API-Key": ""}),
    ]
    assert {answer.status_code for answer in answers} == {400}
    assert len({answer.content for answer in answers}) == 1


def test_a_header_goes_before_a_cookie(client: Client) -> None:
    """The user is the one whom the client named, and a bad token does not become somebody's session."""
    one, other = sign_in(client), new_user()
    key = {"X-API-Key": make_key(client, one)["key"]}
    client.force_login(other)
    assert who(client, {}).json()["id"] == other.pk
    assert who(client, one.bearer).json()["id"] == one.user.pk
    assert who(client, key).json()["id"] == one.user.pk
    assert_refused(who(client, {"Authorization": "Bearer x"}))
    assert_refused(who(client, {"X-API-Key": "x"}))


def test_a_token_needs_no_protection_against_forged_requests(client: Client) -> None:
    """A browser does not send it by itself; a session that comes along still needs it for itself."""
    signed_in = sign_in(client)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(signed_in.user)
    assert who(strict, signed_in.bearer, "post").status_code == 200
    assert who(strict, {}, "post").status_code == 403


def test_two_users_never_get_each_others_bytes(client: Client) -> None:
    """With warm caches, and with headers that differ in nothing but the credential."""
    people = [sign_in(client) for _ in range(4)]
    keys = [{"X-API-Key": make_key(client, person)["key"]} for person in people]
    for _ in range(3):
        for person, key in zip(people, keys, strict=True):
            for headers in (person.bearer, key, {**key, "Cookie": "a=b", "Vary": "*"}):
                assert who(client, headers).json()["id"] == person.user.pk
            listed = client.get("/api/auth/api-keys", headers=person.bearer).json()["data"]["items"]
            assert [item["prefix"] for item in listed] == [key["X-API-Key"][:14]]


def test_a_copied_entry_opens_nothing_for_another_token(client: Client, redis_cache: RedisUnderTest) -> None:
    """Who can write to Redis and copies a user's entry under another token's key."""
    one, other = sign_in(client), sign_in(client)
    who(client, one.bearer), who(client, other.bearer)
    claims = tokens.parse_access(other.access)
    assert claims is not None
    with redis_cache.client() as raw:
        mine, theirs = (next(iter(raw.scan_iter(f"cp:auth.jwt:user_id={person.user.pk},*"))) for person in (one, other))
        raw.set(mine, raw.get(theirs))
    answer = who(client, one.bearer)
    assert answer.json()["id"] == one.user.pk


def test_a_leaked_database_opens_nothing(client: Client) -> None:
    """What stands in the rows is not what opens."""
    signed_in = sign_in(client)
    make_key(client, signed_in)
    row, family = ApiKey.objects.get(), TokenFamily.objects.get()
    for text in (row.digest, row.prefix, row.stamp, f"{row.prefix}_{row.digest[:48]}"):
        assert_refused(who(client, {"X-API-Key": text}))
    for text in (family.refresh_digest, family.pk.hex, family.stamp):
        assert_refused(who(client, {"Authorization": f"Bearer {text}"}))
        assert_refused(post(client, "/api/auth/refresh", {"refresh": text}))


def test_comparisons_take_the_same_time_wherever_texts_differ(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Digests, checksums and stamps go through Django's constant-time comparison."""
    compared: list[tuple[str, str]] = []
    real = api_keys.constant_time_compare

    def noted(one: str, other: str) -> bool:
        compared.append((one, other))
        return real(one, other)

    for module in ("accounts.api_keys", "accounts.tokens", "accounts.key_text"):
        monkeypatch.setattr(f"{module}.constant_time_compare", noted)
    signed_in = sign_in(client)
    made = make_key(client, signed_in)
    owners.reset()
    compared.clear()
    who(client, {"X-API-Key": made["key"]})
    row = ApiKey.objects.get()
    checksum = made["key"][-8:]
    assert {(checksum, checksum), (row.digest, row.digest), (row.stamp, row.stamp)} <= set(compared)
    compared.clear()
    family = TokenFamily.objects.get()
    post(client, "/api/auth/refresh", {"refresh": signed_in.refresh})
    assert {(family.stamp, family.stamp), (family.refresh_digest, family.refresh_digest)} <= set(compared)
