"""What a process of the site is told to do in these tests: a request as somebody, or a write of the ORM."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import clear_url_caches

from auras.models import Aura


def ask(who: str, method: str, path: str = "", body: Any = None) -> list[Any]:
    """The status and the body of the answer."""
    if settings.ROOT_URLCONF != "config.urls":  # these processes serve the accounts' routes alone at first
        settings.ROOT_URLCONF = "config.urls"
        clear_url_caches()
    client = Client()
    client.force_login(get_user_model().objects.get(username=who))
    text = "" if body is None else json.dumps(body)
    answer = client.generic(method, f"/api/auras{path}", text, content_type="application/json")
    return [answer.status_code, answer.json()]


def update(name: str, values: dict[str, Any]) -> int:
    """By a queryset."""
    return Aura.objects.filter(name=name).update(**values)


def add(who: str, names: list[str]) -> int:
    """In bulk."""
    user = get_user_model().objects.get(username=who)
    return len(Aura.objects.bulk_create([Aura(user=user, name=name) for name in names]))


def remove(name: str) -> int:
    """By a queryset."""
    return Aura.objects.filter(name=name).delete()[0]


def give(name: str, to: str) -> None:
    """To another user."""
    row = Aura.objects.get(name=name)
    row.user = get_user_model().objects.get(username=to)
    row.save()
