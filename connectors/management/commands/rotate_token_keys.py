"""`manage.py rotate_token_keys`: encrypt all tokens under the newest key of TOKEN_KEYS."""

from __future__ import annotations

import json
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections, router
from django.db.models import Model

from connectors.models import AuthorizationRequest, ConnectionStatus, PlatformConnection, TokenRevocation
from connectors.sealing import Unreadable, sealed_anew
from connectors.tokens import opened

COLUMNS: tuple[tuple[type[Model], str], ...] = (
    (PlatformConnection, "sealed_tokens"),
    (AuthorizationRequest, "sealed_verifier"),
    (TokenRevocation, "sealed_tokens"),
)
CHUNK = 500
ATTEMPTS = 3
UNREADABLE = "unreadable"


class Command(BaseCommand):
    """May be run while the site runs, twice, and again after it was stopped in the middle."""

    help = (
        "Encrypt all tokens under the newest key. To change keys: put a new one before the others in TOKEN_KEYS and "
        "restart all processes; run this; take the old ones out once it says 0 unreadable, and restart again. "
        "Connections whose key was away and is back work again after it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """`--json` for the result as JSON."""
        parser.add_argument("--json", action="store_true", help="the result as JSON")

    def handle(self, *_args: Any, json: bool, **_options: Any) -> None:
        """Exit code 0 well, 1 when there is something that no key opens."""
        rotated = unreadable = 0
        for model, column in COLUMNS:
            for pk in model._default_manager.exclude(**{column: ""}).values_list("pk", flat=True).iterator(CHUNK):
                done = _rotate(model, column, pk)
                rotated += done is True
                unreadable += done is False
        _take_up_again()
        self._report(rotated, unreadable, as_json=json)
        if unreadable:
            sys.exit(1)

    def _report(self, rotated: int, unreadable: int, *, as_json: bool) -> None:
        """With what it was done on: a shell without the site's own environment has another database and other keys."""
        keys = settings.TOKEN_KEYS.split(",")
        if as_json:
            self.stdout.write(json.dumps({"rotated": rotated, "unreadable": unreadable, "keys": len(keys)}))
            return
        self.stderr.write(f"database: {_database()}; keys: {len(keys)}, the newest of them begins with {keys[0][:4]}")
        if len(keys) == 1:
            self.stderr.write("there is one key only: what it encrypts stays under it")
        self.stdout.write(f"{rotated} encrypted under the newest key, {unreadable} unreadable")
        if unreadable:
            self.stderr.write("the unreadable ones need the key that they were encrypted with back in TOKEN_KEYS")


def _database() -> str:
    """Which one it is, without credentials."""
    found = connections[router.db_for_write(PlatformConnection)].settings_dict
    return f"{found['ENGINE'].rpartition('.')[2]} {found['HOST'] or ''} {found['NAME']}".replace("  ", " ")


def _rotate(model: type[Model], column: str, pk: object) -> bool | None:
    """True when done, False when no key opens it, None when it is gone. What a refresh stores meanwhile is kept."""
    rows = model._default_manager.filter(pk=pk)
    for _ in range(ATTEMPTS):
        old = rows.values_list(column, flat=True).first()
        if not old:
            return None
        try:
            new = sealed_anew(old)
        except Unreadable:
            return False
        if rows.filter(**{column: old}).update(**{column: new}):
            return True
    return None


def _take_up_again() -> None:
    """Have the connections work again whose key is back: who found them unreadable said so in their rows."""
    for row in PlatformConnection.objects.filter(problem=UNREADABLE).exclude(sealed_tokens=""):
        try:
            opened(row.sealed_tokens, user_id=row.user_id, provider=row.provider)
        except Unreadable:
            continue
        same = PlatformConnection.objects.filter(pk=row.pk, problem=UNREADABLE, sealed_tokens=row.sealed_tokens)
        same.update(status=ConnectionStatus.CONNECTED, problem="")
