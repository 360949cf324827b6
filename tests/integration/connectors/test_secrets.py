"""A whole run with a real Redis and a real PostgreSQL leaves no token, code, verifier, state or secret anywhere."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import redis
import zstandard
from django.db import connections
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from accounts.models import User
from cache_platform.exceptions import SourceError
from connectors import tasks
from connectors.access import NeedsReauth, access_token, renew
from connectors.extraction import jobs, runner
from connectors.models import PlatformConnection, TokenRevocation
from connectors.platform_api import data_source, oauth_source
from connectors.providers import definitions
from tests.integration.connectors.platforms import take_all_for_well
from tests.integration.connectors.real_databases import Walks, new_user
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks
from tests.services.redis import RedisUnderTest

PLATFORMS = ("tunebox", "daybook", "codeyard", "chirper")
CALLBACK = "/api/connectors/callback"
FIELDS = ("code", "code_verifier", "refresh_token", "access_token", "token", "client_secret")
ZSTANDARD = bytes.fromhex("28b52ffd")


@dataclass
class Secrets:
    """All that went over the wire between the site and the platforms and must stay there, by kind."""

    found: dict[str, set[str]] = field(default_factory=dict)

    def add(self, kind: str, text: str) -> None:
        """One more."""
        self.found.setdefault(kind, set()).add(text)

    def of(self, pairs: Any) -> None:
        """Those in a form or an object."""
        for name, value in pairs:
            if name in FIELDS and isinstance(value, str):
                self.add(name, value)

    def seen_in(self, text: bytes, *, but: str = "") -> list[str]:
        """The kinds of which one is in `text`."""
        return [kind for kind, all_of in self.found.items() if kind != but for one in all_of if one.encode() in text]


class Recording(httpx.HTTPTransport):
    """Notes the secrets in each exchange."""

    def __init__(self, secrets: Secrets) -> None:
        super().__init__(verify=False, trust_env=False)
        self._secrets = secrets

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        kind, _, credential = request.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            self._secrets.add("client_secret", base64.b64decode(credential).decode().partition(":")[2])
        if credential:
            self._secrets.add(kind, credential)
        sent = request.content.decode()
        self._secrets.of(json.loads(sent).items() if sent.startswith("{") else parse_qsl(sent))
        response = super().handle_request(request)
        body = response.read()
        if "/oauth/" in request.url.path and body.startswith(b"{"):
            self._secrets.of(json.loads(body).items())
        return httpx.Response(response.status_code, headers=response.headers, content=body)


class Lines(logging.Handler):
    """All that the site logs, at every level, with tracebacks; what the test's own browser logs is left out."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))
        self.text = ""
        self.listens = True

    def emit(self, record: logging.LogRecord) -> None:
        if self.listens:
            self.text += self.format(record) + repr(record.args) + "\n"


@dataclass
class Run:
    """The site with one user's browser, and all that came out of it."""

    walks: Walks
    secrets: Secrets
    lines: Lines
    user: User
    browser: Client = field(default_factory=Client)
    answers: list[tuple[str, bytes]] = field(default_factory=list)

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> HttpResponse:
        """An answer of the site, kept to be searched."""
        if body is not None:
            options["data"] = json.dumps(body)
        if method == "post":
            options["content_type"] = "application/json"
        answer = getattr(self.browser, method)(path, **options)
        self.answers.append((path, answer.serialize()))
        return answer

    def consented(self, slug: str, **choices: str) -> dict[str, str]:
        """Begin, and decide at the platform; what comes back from it."""
        answer = self.ask("post", f"/api/connectors/{slug}/authorize")
        url = answer.json()["data"]["authorization_url"]
        self.secrets.add("state", dict(parse_qsl(urlsplit(url).query))["state"])
        self.lines.listens = False
        given = self.walks.consent(url, **choices)
        self.lines.listens = True
        self.secrets.of(given.items())
        return given

    def connect(self, slug: str, **choices: str) -> None:
        """The whole way, by browser."""
        answer = self.ask("get", CALLBACK, data=self.consented(slug, **choices), headers={"Accept": "text/html"})
        assert answer.status_code in {200, 302, 303}, answer.content

    def row(self, slug: str) -> PlatformConnection:
        """The record of a connection."""
        return PlatformConnection.objects.get(user=self.user, provider=slug)

    def look_around(self) -> None:
        """Read whatever the site shows of connections, twice."""
        for _ in range(2):
            for path in (f"/api/connectors/status/{self.user.pk}", "/api/oauth-connections"):
                assert self.ask("get", path).status_code == 200
            assert self.ask("get", f"/api/signature/{self.user.pk}").status_code == 200
            assert self.ask("get", "/connectors/").status_code == 200


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log of this test."""
    handler, root = Lines(), logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", "django", "connectors", "cache_platform", "httpx")}
    root.addHandler(handler)
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    templates = logging.getLogger("django.template")  # a traceback for each variable that is not there
    templates.setLevel(logging.INFO)
    yield handler
    templates.setLevel(logging.NOTSET)
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def run(walks: Walks, lines: Lines, redis_cache: RedisUnderTest, database: str) -> Iterator[Run]:
    """A browser that is signed in; everything between the site and the platforms is noted."""
    secrets = Secrets()
    with ExitStack() as stack:
        for slug in definitions():
            for source in (oauth_source(slug), data_source(slug)):
                stack.enter_context(source.through(Recording(secrets)))
        made = Run(walks, secrets, lines, new_user())
        made.browser.force_login(made.user)
        yield made


def in_redis(server: RedisUnderTest) -> bytes:
    """All keys and values, as they are and unpacked."""
    client = redis.Redis.from_url(server.url)
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"set": client.smembers,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    found = bytearray()
    for key in client.scan_iter(count=1000):
        value = readers[client.type(key)](key)
        parts = value if isinstance(value, bytes) else repr(value).encode()
        found += key + b"\n" + parts + b"\n"
        for match in re.finditer(re.escape(ZSTANDARD), parts):
            unpack = zstandard.ZstdDecompressor().decompressobj()
            found += unpack.decompress(parts[match.start() :]) + b"\n"
    client.close()
    return bytes(found)


def in_database(alias: str) -> bytes:
    """All columns of all tables."""
    found = ""
    with connections[alias].cursor() as cursor:
        for table in connections[alias].introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += f"{table} {cursor.fetchall()!r}\n"
    return found.encode()


def assert_nothing_leaked(run: Run, server: RedisUnderTest, database: str) -> None:
    """In Redis, the database, the logs and the answers; and the search would have found it."""
    places = {"redis": in_redis(server), "database": in_database(database), "log": run.lines.text.encode()}
    for place, text in places.items():
        assert run.secrets.seen_in(text) == [], place
    assert b"chirper" in places["redis"]
    assert b"chirper" in places["database"]
    assert b"connectors" in places["log"]
    for path, answer in run.answers:
        # Where a walk begins, its state is in the address of the consent page: the browser has to take it there.
        assert run.secrets.seen_in(answer, but="state" if path.endswith("/authorize") else "") == [], path


def fail_in_every_way(run: Run) -> None:
    """Replays, bad codes, another's issuer, platforms that are away, answer nonsense or refuse."""
    given = run.consented("chirper")
    for changed in ({"code": "code-that-nobody-issued"}, {"iss": "https://evil.test"}, {"state": "A" * 43}):
        answer = run.ask("post", CALLBACK, {**given, **changed})
        assert answer.status_code == 400, answer.content
    for mode in ("error", "malformed"):
        for service in ("oauth", "platform"):
            given = run.consented("chirper")
            run.walks.fault(service, mode)
            assert run.ask("post", CALLBACK, given).status_code in {502, 503}
            run.walks.sandbox.reset()
            take_all_outages_for_over()
    denied = run.consented("daybook", decision="deny")
    run.ask("get", CALLBACK, data=denied, headers={"Accept": "text/html"})
    fail_to_renew(run)


def fail_to_renew(run: Run) -> None:
    """An outage, and then a refusal."""
    make_due(run.row("daybook"))
    run.walks.fault("oauth", "malformed")
    with pytest.raises(SourceError):
        access_token(run.row("daybook").pk)
    run.walks.sandbox.reset()
    take_all_outages_for_over()
    run.walks.control(refuse_refresh=True)
    with pytest.raises(NeedsReauth):
        renew(run.row("daybook").pk)
    run.walks.sandbox.reset()


def take_all_outages_for_over() -> None:
    """Without closing what records."""
    for slug in definitions():
        for source in (oauth_source(slug), data_source(slug)):
            source.outage.reset()


def make_due(row: PlatformConnection) -> None:
    """It has to be renewed now."""
    PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now(), expires_at=timezone.now())


def extract(run: Run, slug: str) -> None:
    """Over REST, and by a worker."""
    answer = run.ask("post", f"/api/connectors/{slug}/{run.user.pk}/extract")
    assert answer.status_code == 202, answer.content
    job_id = answer.json()["data"]["job_id"]
    runner.run(job_id)
    found = jobs.load_job(job_id)
    assert found is not None
    assert (found.state, found.problem) == ("completed", "")
    run.ask("get", f"/api/extraction-jobs/{job_id}")


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_nothing_secret_of_a_whole_run_is_anywhere(run: Run, redis_cache: RedisUnderTest, database: str) -> None:
    """Connected, read, renewed, extracted, refused, away, reconnected, disconnected: searched after each act."""
    for slug in PLATFORMS:
        run.connect(slug)
    pending = run.consented("codeyard")  # a walk under way
    run.look_around()
    assert_nothing_leaked(run, redis_cache, database)

    for slug in ("tunebox", "daybook", "chirper"):
        make_due(run.row(slug))
    assert tasks.renew_tokens() == 3
    extract(run, "tunebox")
    extract(run, "codeyard")
    run.look_around()
    assert_nothing_leaked(run, redis_cache, database)

    fail_in_every_way(run)
    run.connect("chirper", account="grace")
    assert run.ask("post", CALLBACK, pending).status_code == 200
    assert run.ask("post", CALLBACK, pending).status_code == 400
    run.look_around()
    assert_nothing_leaked(run, redis_cache, database)

    assert run.ask("delete", f"/api/connectors/chirper/{run.user.pk}").status_code == 200
    run.walks.fault("oauth", "error")
    assert run.ask("post", f"/api/connectors/reset/{run.user.pk}").status_code == 200
    assert TokenRevocation.objects.exists()
    run.look_around()
    assert_nothing_leaked(run, redis_cache, database)

    found = run.secrets.found
    assert {"Basic", "Bearer", "state", *FIELDS} == found.keys()
    assert min(map(len, found.values())) >= 1
    assert len(found["access_token"]) >= 8


@pytest.fixture(autouse=True)
def well() -> Iterator[None]:
    """Other tests find the platforms as they were."""
    yield
    take_all_for_well()
