"""Flushing in two steps: how much it is, then doing it."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core import signing
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client

from cache_platform import flushing
from cache_platform.models import OutboxRow
from cache_platform.pages import flush as flush_pages
from tests.integration.accounts.credentials import new_user
from tests.integration.staff.conftest import Browser, read_both, staff
from tests.services.redis import RedisUnderTest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("empty_redis")]

CHOOSE, CONFIRM = "/admin/cache/flush/", "/admin/cache/flush/confirm/"
KEY = "the key of user 1's entry"


@pytest.fixture
def flusher(browser: Browser) -> Client:
    """The browser of one who may flush."""
    return browser("view_cache", "flush_cache")


def sealed(answer: HttpResponse) -> str:
    """What the second step's form carries."""
    return re.findall(r'name="sealed" value="([^"]+)"', answer.content.decode())[0]


@pytest.mark.parametrize(
    ("given", "count", "loads", "entries"),
    [
        ({"policy": "test.thing"}, "2 entries in the store now", 2, 2),
        ({"tag": "user:1"}, "Entries under a tag are not counted.", 1, None),
        ({"user": " 2 "}, "Entries of a user are not counted.", 1, None),
        ({"pattern": "test.thing:*"}, "2 entries match now", 2, 2),
        ({"key": KEY}, "The entry is there.", 1, 1),
    ],
)
def test_each_kind(
    flusher: Client, thing: Any, given: dict[str, str], count: str, loads: int, entries: int | None
) -> None:
    """The second step counts and flushes nothing; its button does, and says and writes down how much that was."""
    if given == {"key": KEY}:
        given = {"key": thing.address({"user_id": 1}).key}
    asked = flusher.post(CONFIRM, given)
    assert asked.status_code == 200
    assert count in asked.content.decode()
    assert "It cannot be undone." in asked.content.decode()
    assert ("may still store what it has read" in asked.content.decode()) is ("pattern" in given or "key" in given)
    assert read_both(thing) == 0
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked)}, follow=True)
    assert answer.redirect_chain == [(CHOOSE, 302)]
    assert re.search(r'class="success">Flushed .* in [0-9.]+ ms\.', answer.content.decode())
    [entry] = LogEntry.objects.all()
    said = json.loads(entry.change_message)[0]["deleted"]
    assert (said["where"], said["entries"]) == ("admin", entries)
    assert entry.user.username in answer.content.decode(), "it is among the newest flushes"
    assert read_both(thing) == loads


def test_a_tag_that_no_policy_has_is_doubted_and_may_be_flushed(flusher: Client, thing: Any) -> None:
    """It may be misspelt, and would be flushed with success; of one that a policy has nothing is said."""
    warning = "No policy declares a tag like usr:…"
    asked = flusher.post(CONFIRM, {"tag": "usr:1"})
    assert warning in asked.content.decode()
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked)}, follow=True)
    assert 'class="success">Flushed tag usr:1: superseded' in answer.content.decode()
    for given in ({"tag": "user:1"}, {"tag": "policy:test.thing"}, {"user": "1"}, {"policy": "test.thing"}):
        assert "No policy declares" not in flusher.post(CONFIRM, given).content.decode(), given


def test_a_user_is_named_to_those_who_may_see_users(flusher: Client, browser: Browser) -> None:
    """A number alone is soon mistyped; who may not see users is not told who has which."""
    user = new_user()
    allowed = staff("view_cache", "flush_cache", first_name="Ada")
    allowed.user_permissions.add(Permission.objects.get(codename="view_user"))
    client = Client()
    client.force_login(allowed)
    html = client.post(CONFIRM, {"user": str(user.pk)}).content.decode()
    assert f"Flush user <code>{user.pk}</code>, <strong>{user.username}</strong>?" in html
    html = flusher.post(CONFIRM, {"user": str(user.pk)}).content.decode()
    assert f"Flush user <code>{user.pk}</code>?" in html
    assert user.username not in html


def test_a_user_who_is_not_there_is_doubted_and_may_be_flushed(flusher: Client, thing: Any) -> None:
    """The number may be mistyped, or the user deleted, and entries left."""
    user = new_user()
    assert "There is no user" not in flusher.post(CONFIRM, {"user": str(user.pk)}).content.decode()
    for number in ("99999", str(flushing.LARGEST_ID)):
        asked = flusher.post(CONFIRM, {"user": number})
        assert f"There is no user {number}" in asked.content.decode()
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked)}, follow=True)
    assert f'class="success">Flushed user {number}: superseded' in answer.content.decode()
    with patch.object(get_user_model()._base_manager, "filter", side_effect=OperationalError("away")):
        assert "There is no user" not in flusher.post(CONFIRM, {"user": "99999"}).content.decode()


def test_a_log_without_flushes_says_whose_it_has(flusher: Client) -> None:
    """A command's are not among them."""
    assert "Nobody has flushed anything on these pages or over the API" in flusher.get(CHOOSE).content.decode()


def test_everything_needs_its_word(flusher: Client, thing: Any) -> None:
    """Typed, in whatever letters; without it nothing happens."""
    asked = flusher.post(CONFIRM, {"all": "1"})
    assert "Type <strong>everything</strong>" in asked.content.decode()
    for word in ("", "all", "everything!"):
        answer = flusher.post(CONFIRM, {"sealed": sealed(asked), "word": word})
        assert (answer.status_code, read_both(thing)) == (400, 0)
        assert "Type “everything” to go on." in answer.content.decode()
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked), "word": " Everything "})
    assert (answer.status_code, read_both(thing)) == (302, 2)


def test_twice_is_harmless(flusher: Client, thing: Any) -> None:
    """The same form again, as by a second press, flushes again and says so."""
    form = {"sealed": sealed(flusher.post(CONFIRM, {"pattern": "test.thing:*"}))}
    assert flusher.post(CONFIRM, form).status_code == 302
    answer = flusher.post(CONFIRM, form, follow=True)
    assert "There was nothing to flush" in answer.content.decode()
    assert LogEntry.objects.count() == 2


def test_without_a_csrf_token_nothing_is_counted_or_flushed(thing: Any) -> None:
    """403, as for a form of another site; a link of another site leads to step 1."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(staff("view_cache", "flush_cache"))
    with patch.object(flushing, "count", side_effect=AssertionError("counted")):
        assert client.post(CONFIRM, {"policy": "test.thing"}).status_code == 403
        answer = client.get(CONFIRM, {"policy": "test.thing"})
        assert (answer.status_code, answer["Location"]) == (302, CHOOSE)
    form = {"csrfmiddlewaretoken": client.get(CHOOSE).cookies["csrftoken"].value}
    asked = client.post(CONFIRM, form | {"policy": "test.thing"})
    form |= {"sealed": sealed(asked)}
    assert client.post(CONFIRM, {"sealed": form["sealed"]}).status_code == 403
    assert (read_both(thing), LogEntry.objects.count()) == (0, 0)
    assert client.post(CONFIRM, form).status_code == 302
    assert read_both(thing) == 2


WRONG: list[tuple[dict[str, str], str]] = [
    ({}, "target"),
    ({"policy": "test.thing", "tag": "user:1"}, "target"),
    ({"policy": "test.thin"}, "policy"),
    ({"tag": "no tag"}, "tag"),
    ({"user": "ada"}, "user"),
    ({"user": "0"}, "user"),
    ({"pattern": ""}, "pattern"),
    ({"key": "cp:tag:all"}, "key"),
    ({"key": "site:1:something"}, "key"),
]


def test_what_cannot_be_flushed_is_refused_at_its_field(flusher: Client, thing: Any) -> None:
    """400, and what was typed is still there."""
    for given, field in WRONG:
        answer = flusher.post(CONFIRM, given)
        assert answer.status_code == 400, given
        html = answer.content.decode()
        assert ('class="errornote"' if field == "target" else f'id="{field}-error"') in html
        if field not in {"target", "policy"}:
            assert f'value="{given[field]}"' in html


def test_a_seal_is_of_one_person_and_one_hour_and_not_to_be_made_up(
    flusher: Client, browser: Browser, thing: Any, monkeypatch: Any
) -> None:
    """Else one could be made to flush what one has not looked at."""
    other = sealed(browser("view_cache", "flush_cache").post(CONFIRM, {"policy": "test.thing"}))
    answer = flusher.post(CONFIRM, {"sealed": other})
    assert (answer.status_code, "Somebody else" in answer.content.decode()) == (400, True)
    for seal in ("", "x:y:z", signing.dumps({"kind": "all", "value": "*"}, salt="another")):
        answer = flusher.post(CONFIRM, {"sealed": seal})
        assert (answer.status_code, "Nothing was flushed" in answer.content.decode()) == (400, True)
    own = sealed(flusher.post(CONFIRM, {"policy": "test.thing"}))
    monkeypatch.setattr(flush_pages, "LONGEST_THOUGHT", -1)
    answer = flusher.post(CONFIRM, {"sealed": own})
    assert (answer.status_code, "some time ago" in answer.content.decode()) == (400, True)
    assert (read_both(thing), LogEntry.objects.count()) == (0, 0)


def test_a_count_that_takes_too_long_says_so(flusher: Client, thing: Any, monkeypatch: Any) -> None:
    """With what it has found by then; and nothing is written down as counted."""
    monkeypatch.setattr(flush_pages, "LONGEST_COUNT", 0.0)
    asked = flusher.post(CONFIRM, {"policy": "test.thing"})
    assert "Not counted to the end, there are too many keys: 2 entries or more." in asked.content.decode()
    flusher.post(CONFIRM, {"sealed": sealed(asked)})
    assert json.loads(LogEntry.objects.get().change_message)[0]["deleted"]["entries"] is None


def test_a_flush_that_nobody_took_is_a_warning(
    flusher: Client, thing: Any, empty_redis: RedisUnderTest, settings: Any
) -> None:
    """Without an outbox this process alone knows of it, and the page says that."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": []}
    empty_redis.pause()
    asked = flusher.post(CONFIRM, {"policy": "test.thing"})
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked)}, follow=True)
    assert 'class="warning">Policy test.thing is not flushed: neither' in answer.content.decode()
    assert "failed or not whole" in answer.content.decode()


def test_what_is_typed_is_shown_as_text(flusher: Client) -> None:
    """Never as HTML."""
    html = flusher.post(CONFIRM, {"pattern": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in html
    html = flusher.post(CONFIRM, {"tag": '"><img src=x>'}).content.decode()
    assert "<img" not in html


def test_while_the_store_is_away(flusher: Client, thing: Any, empty_redis: RedisUnderTest, settings: Any) -> None:
    """A policy's flush waits in the outbox, and the page says so; a pattern cannot be flushed, and has no button. A
    count of before the outage does not change that."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    before = sealed(flusher.post(CONFIRM, {"pattern": "test.*"}))
    empty_redis.pause()
    html = flusher.post(CONFIRM, {"pattern": "test.*"}).content.decode()
    assert "Nothing can be deleted now." in html
    assert "Flush it</button>" not in html
    answer = flusher.post(CONFIRM, {"sealed": before})
    assert (answer.status_code, "Nothing can be deleted now." in answer.content.decode()) == (503, True)
    asked = flusher.post(CONFIRM, {"policy": "test.thing"})
    assert "cannot be known: the store does not answer" in asked.content.decode()
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked)}, follow=True)
    assert 'class="warning">The store is away.' in answer.content.decode()
    assert "while the store was away" in answer.content.decode()
    assert "policy:test.thing" in OutboxRow.objects.values_list("tags", flat=True)


@pytest.mark.parametrize("given", [{"user": "2"}, {"tag": "user:2"}, {"policy": "test.thing"}])
def test_what_is_not_counted_promises_nothing_of_a_store_that_is_away(
    flusher: Client, thing: Any, empty_redis: RedisUnderTest, settings: Any, monkeypatch: Any, given: dict[str, str]
) -> None:
    """It is asked then, too: that the flush will wait is said before, not after. A policy is not counted while somebody
    else counts."""
    settings.CACHE_PLATFORM = {**settings.CACHE_PLATFORM, "OUTBOX_DATABASES": ["default"]}
    monkeypatch.setattr(flush_pages, "LONGEST_COUNT", 0.01)
    with flushing._counting:
        assert "superseded at once" in flusher.post(CONFIRM, given).content.decode()
        empty_redis.pause()
        asked = flusher.post(CONFIRM, given)
    html = asked.content.decode()
    assert "superseded at once" not in html
    assert "The store does not answer: the flush waits in the outbox" in html
    answer = flusher.post(CONFIRM, {"sealed": sealed(asked)}, follow=True)
    assert 'class="warning">The store is away.' in answer.content.decode()
