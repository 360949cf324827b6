"""A process of the site that does what it is told: one line of JSON in, one out. Started by peers.py."""

from __future__ import annotations

import json
import sys
from typing import Any

import django


def main() -> None:
    """Run each piece of code with what is given; answer with its `result`."""
    django.setup()
    from django.conf import settings
    from django.test.utils import setup_test_environment

    settings.ROOT_URLCONF = "tests.integration.accounts.routes"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    setup_test_environment(debug=False)
    names = {**_names(), "ask": _ask, "post": _post}
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        here = {**names, **order["given"]}
        exec(order["code"], here)
        print(json.dumps(here.get("result")), flush=True)


def _names() -> dict[str, Any]:
    from django.contrib.auth.hashers import make_password
    from django.contrib.auth.models import Group, Permission
    from django.db import transaction
    from django.utils import timezone

    from accounts import sign_ins
    from accounts.models import ApiKey, TokenFamily, User

    return {
        "ApiKey": ApiKey,
        "Group": Group,
        "Permission": Permission,
        "TokenFamily": TokenFamily,
        "User": User,
        "make_password": make_password,
        "now": timezone.now,
        "sign_ins": sign_ins,
        "transaction": transaction,
    }


def _ask(headers: dict[str, str], path: str = "/api/who") -> dict[str, Any]:
    """GET, and how many queries it took."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = Client().get(path, headers=headers)
    return {
        "status": answer.status_code,
        "body": answer.content.decode(),
        "challenge": answer.headers.get("WWW-Authenticate"),
        "queries": len(queries),
    }


def _post(path: str, body: object, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """POST as JSON."""
    from django.test import Client

    answer = Client().post(path, body, content_type="application/json", headers=headers or {})
    assert answer.status_code < 300, answer.content
    return dict(answer.json())


if __name__ == "__main__":
    main()
