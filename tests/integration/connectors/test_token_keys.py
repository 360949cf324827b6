"""Keys change without losing a token, and what no key opens is said to be so."""

from __future__ import annotations

import io
import json
from typing import Any
from unittest import mock

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from connectors import access, revocations
from connectors.access import NotConnected, access_token, renew
from connectors.connections import disconnect
from connectors.management.commands import rotate_token_keys
from connectors.models import AuthorizationRequest, PlatformConnection, TokenRevocation
from connectors.states import read_status
from connectors.tokens import Tokens, sealed
from tests.integration.connectors.real_databases import (
    Paused,
    Walks,
    back,
    connected,
    in_thread,
    new_user,
    sent,
    tokens_of,
)
from tests.integration.connectors.real_databases import database as database
from tests.integration.connectors.real_databases import walks as walks

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def keys(settings: Any) -> list[str]:
    """Two keys; the first is in use."""
    made = [Fernet.generate_key().decode() for _ in range(2)]
    settings.TOKEN_KEYS = made[0]
    return made


def rotate(*arguments: str) -> tuple[int, str, str]:
    """The command's exit code, and what it wrote."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("rotate_token_keys", *arguments, stdout=out, stderr=err)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def opens(key: str, text: str) -> bool:
    """Whether one key alone decrypts it."""
    try:
        return bool(Fernet(key).decrypt(text))
    except Exception:
        return False


@pytest.fixture
def row(walks: Walks, keys: list[str]) -> PlatformConnection:
    """A connection under the first key."""
    return connected(walks, new_user(), "chirper")


def test_old_key_still_reads_and_the_command_encrypts_anew(
    row: PlatformConnection, walks: Walks, keys: list[str], settings: Any
) -> None:
    """Connections, walks under way and revocations: afterwards the new key alone reads all of them."""
    user, before = row.user, tokens_of(row)
    given = walks.consent(sent(user, "daybook"))
    revocations.note(user_id=user.pk, provider="chirper", sealed_tokens=row.sealed_tokens)
    settings.TOKEN_KEYS = f"{keys[1]}, {keys[0]}"
    assert tokens_of(row) == before
    assert access_token(row.pk) == before.access
    code, out, err = rotate()
    assert (code, out) == (0, "3 encrypted under the newest key, 0 unreadable\n")
    assert "keys: 2" in err
    assert str(connections[PlatformConnection.objects.db].settings_dict["NAME"]) in err
    settings.TOKEN_KEYS = keys[1]
    assert tokens_of(row) == before
    assert back(user, given).status == "connected"
    noted = TokenRevocation.objects.get()
    assert opens(keys[1], noted.sealed_tokens)
    assert not opens(keys[0], noted.sealed_tokens)
    assert revocations.attempt([noted]) == ["revoked"]


def test_new_tokens_are_under_the_newest_key(row: PlatformConnection, keys: list[str], settings: Any) -> None:
    """Without the command."""
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now())
    renew(row.pk)
    row.refresh_from_db()
    assert opens(keys[1], row.sealed_tokens)


def test_command_may_be_run_twice(row: PlatformConnection, keys: list[str], settings: Any) -> None:
    """And says what it did as JSON, too."""
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    before = tokens_of(row)
    for _ in range(2):
        code, out, err = rotate("--json")
        assert (code, json.loads(out), err) == (0, {"rotated": 1, "unreadable": 0, "keys": 2}, "")
    assert tokens_of(row) == before


def test_what_no_key_opens_is_said(row: PlatformConnection, walks: Walks, keys: list[str], settings: Any) -> None:
    """Exit code 1, the others are encrypted anew, and it is left as it is: the key may come back."""
    settings.TOKEN_KEYS = keys[1]
    other = connected(walks, new_user(), "codeyard")
    lost = row.sealed_tokens
    code, out, err = rotate()
    assert (code, out) == (1, "1 encrypted under the newest key, 1 unreadable\n")
    assert "TOKEN_KEYS" in err
    row.refresh_from_db()
    assert row.sealed_tokens == lost
    assert tokens_of(other).access
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    assert rotate()[0] == 0
    settings.TOKEN_KEYS = keys[1]
    assert tokens_of(row).access


@pytest.mark.usefixtures("redis_cache")
def test_connection_that_cannot_be_read_is_an_error_and_comes_back(
    walks: Walks, keys: list[str], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """`error/unreadable`, shown at once; with the key back, the command makes it work again."""
    row = connected(walks, new_user(), "codeyard")
    read_status(row.user_id)
    settings.TOKEN_KEYS = keys[1]
    with pytest.raises(NotConnected) as caught:
        access_token(row.pk)
    assert shown(row) == ("error", "unreadable")
    assert row.sealed_tokens not in f"{caught.value!r}{caplog.text}"
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    assert rotate()[0] == 0
    assert shown(row) == ("connected", "")
    assert access_token(row.pk) == tokens_of(row).access


def shown(row: PlatformConnection) -> tuple[str, str]:
    """What a read shows that must not come from the cache."""
    found = read_status(row.user_id)
    assert not found.cached
    (one,) = [each for each in found.value.status.platforms if each.provider == row.provider]
    return one.status, one.problem


def test_disconnecting_needs_no_key(row: PlatformConnection, keys: list[str], settings: Any) -> None:
    """It says that the platform did not take them back, and forgets them."""
    settings.TOKEN_KEYS = keys[1]
    found = disconnect(row.user_id, "chirper")
    assert (found.revoked, found.revocation) == (False, "failed")
    row.refresh_from_db()
    assert (row.status, row.sealed_tokens) == ("disconnected", "")


def test_columns_swapped_between_users_are_not_opened(walks: Walks, row: PlatformConnection) -> None:
    """Who can write to the table cannot read another one's account with that."""
    thief = connected(walks, new_user(), "chirper", account="grace")
    PlatformConnection.objects.filter(pk=thief.pk).update(sealed_tokens=row.sealed_tokens)
    calls = walks.sandbox.calls()
    for call in (access_token, renew):
        with pytest.raises(NotConnected):
            call(thief.pk)
    assert rotate()[0] == 0  # a key does open it
    thief.refresh_from_db()
    assert (thief.status, thief.problem) == ("error", "unreadable")
    assert walks.sandbox.calls() == calls
    assert disconnect(thief.user_id, "chirper").revocation == "failed"
    assert walks.opens(access_token(row.pk), "/platforms/chirper/api/me")


@pytest.mark.parametrize("owner", ["other provider", "verifier"])
def test_columns_are_good_for_one_platform_and_one_purpose(walks: Walks, row: PlatformConnection, owner: str) -> None:
    """A verifier is no token, and a token of one platform is none of another."""
    user = row.user
    other = connected(walks, user, "daybook")
    text = row.sealed_tokens
    if owner == "verifier":
        sent(user, "daybook")
        text = AuthorizationRequest.objects.get(user_id=user.pk).sealed_verifier
    PlatformConnection.objects.filter(pk=other.pk).update(sealed_tokens=text)
    with pytest.raises(NotConnected):
        access_token(other.pk)


def test_rotation_does_not_undo_a_refresh(
    row: PlatformConnection, keys: list[str], settings: Any, walks: Walks
) -> None:
    """The refresh stores new tokens between the command's look and its write: those stay, under the newest key."""
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    anew = rotate_token_keys.sealed_anew
    renewed: list[Tokens] = []

    def then_refresh(text: str) -> str:
        found = anew(text)
        if not renewed:
            PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now())
            renewed.append(renew(row.pk))
        return found

    with mock.patch.object(rotate_token_keys, "sealed_anew", then_refresh):
        assert rotate()[0] == 0
    assert [tokens_of(row)] == renewed
    assert opens(keys[1], row.sealed_tokens)


def test_refresh_does_not_undo_a_rotation(
    row: PlatformConnection, keys: list[str], settings: Any, walks: Walks
) -> None:
    """The command writes while the platform is asked: the new tokens are stored all the same."""
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    PlatformConnection.objects.filter(pk=row.pk).update(renew_at=timezone.now())
    pause = Paused(access.oauth.refresh)
    with mock.patch.object(access.oauth, "refresh", pause):
        refresh = in_thread(lambda: renew(row.pk))
        pause.wait()
        assert rotate()[0] == 0
        pause.go()
        found = refresh()
    assert tokens_of(row) == found
    assert walks.opens(found.access, "/platforms/chirper/api/me")


def test_many_rows_are_each_rotated_once(
    keys: list[str], settings: Any, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than one chunk: writing while reading skips none."""
    user = new_user()
    rows = [
        PlatformConnection(user=user, provider=f"p{number}", sealed_tokens=_sealed(user.pk, f"p{number}"))
        for number in range(30)
    ]
    PlatformConnection.objects.bulk_create(rows)
    settings.TOKEN_KEYS = f"{keys[1]},{keys[0]}"
    monkeypatch.setattr(rotate_token_keys, "CHUNK", 8)
    assert json.loads(rotate("--json")[1]) == {"rotated": len(rows), "unreadable": 0, "keys": 2}
    texts = PlatformConnection.objects.filter(user=user).values_list("sealed_tokens", flat=True)
    assert all(opens(keys[1], text) for text in texts)
    assert not connections[database].in_atomic_block


def _sealed(user_id: int, provider: str) -> str:
    return sealed(Tokens("a", "b"), user_id=user_id, provider=provider)
