"""Where platforms send people back to while `manage.py runserver` serves: to the port that it serves at."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles.management.commands.runserver import Command as StaticRunserver

from config.environment import get_environment
from config.management.commands import runserver
from connectors.providers import redirect_uri


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The environment is read anew, before and after."""
    monkeypatch.setenv("ENV_FILE", "")
    monkeypatch.delenv("SITE_URL", raising=False)
    get_environment.cache_clear()
    yield
    get_environment.cache_clear()


def served(port: str) -> str:
    """The address that people are sent back to by what runserver serves at `port`."""
    seen: list[str] = []

    def serve(self: Any, *_args: Any, **_options: Any) -> None:
        seen.append(redirect_uri())

    command = runserver.Command(stdout=io.StringIO())
    command.port = port
    migrating = mock.patch.object(runserver, "call_command")
    with mock.patch.object(StaticRunserver, "inner_run", serve), migrating:
        command.inner_run()
    (found,) = seen
    return found


@pytest.mark.parametrize("port", ["8000", "8123"])
def test_people_come_back_to_the_port_that_is_served(settings: Any, port: str) -> None:
    """Platforms compare the address letter by letter; a default of another port would lead nowhere."""
    settings.SITE_URL = "http://127.0.0.1:1"
    assert served(port) == f"http://127.0.0.1:{port}/api/connectors/callback"
    assert f"http://127.0.0.1:{port}" == django_settings.SITE_URL


def test_address_that_was_given_stays(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As behind a tunnel, or under a name of one's own."""
    monkeypatch.setenv("SITE_URL", "https://site.test")
    settings.SITE_URL = "https://site.test"
    assert served("8123") == "https://site.test/api/connectors/callback"
