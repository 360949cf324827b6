"""What services find in their environment, and what they do not."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from config.services.handover import hand_over


def test_secrets_that_the_site_reads_become_files(tmp_path: Path) -> None:
    """The value is in a file that only we can read, and its variable is replaced by `<NAME>_FILE`."""
    result = hand_over({"SECRET_KEY": "a-key-that-is-long-enough"}, secrets=tmp_path, found={})
    assert "SECRET_KEY" not in result
    path = Path(result["SECRET_KEY_FILE"])
    assert path.read_text() == "a-key-that-is-long-enough"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("redis://:hidden@127.0.0.1:6379/0", True),
        ("redis://127.0.0.1:6379/0", False),
        ("unix:///run/redis.sock", False),
    ],
)
def test_an_address_is_a_secret_when_it_has_a_password(tmp_path: Path, value: str, secret: bool) -> None:
    """Addresses without one stay readable in the environment."""
    result = hand_over({"REDIS_URL": value}, secrets=tmp_path, found={})
    assert ("REDIS_URL_FILE" in result) is secret
    assert ("REDIS_URL" in result) is not secret


def test_the_address_of_a_server_that_was_started_is_a_secret_too(tmp_path: Path) -> None:
    """The embedded PostgreSQL's password is in a file, and wins over a file that was named before."""
    found = {"DATABASE_URL": "postgresql://site:hidden@%2Frun/site"}
    result = hand_over({"DATABASE_URL": "", "DATABASE_URL_FILE": "/old"}, secrets=tmp_path, found=found)
    assert not [value for value in result.values() if "hidden" in value]
    assert "DATABASE_URL" not in result
    assert Path(result["DATABASE_URL_FILE"]).read_text() == found["DATABASE_URL"]


def test_the_demo_password_is_not_handed_to_servers(tmp_path: Path) -> None:
    """Only the preparation needs it, and gets it separately; lower case is understood like upper case."""
    given = {"DEMO_PASSWORD": "one", "demo_password": "two", "DEMO_PASSWORD_FILE": "three"}
    assert not {name for name in hand_over(given, secrets=tmp_path, found={}) if "demo" in name.lower()}


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "PGPASSWORD", "MAKEFLAGS", "openai_api_key"])
def test_secrets_that_the_site_does_not_read_stay_behind(tmp_path: Path, name: str) -> None:
    """The site reads nothing but its typed environment, so they could only leak."""
    assert name not in hand_over({name: "value"}, secrets=tmp_path, found={})


@pytest.mark.parametrize("name", ["PATH", "LANG", "CACHE_TTL_WEATHER_CURRENT", "SSL_CERT_FILE", "SECRET_KEY_FILE"])
def test_everything_else_is_handed_over(tmp_path: Path, name: str) -> None:
    """Variables of later releases and of the system need no list here."""
    assert hand_over({name: "value"}, secrets=tmp_path, found={})[name] == "value"


def test_what_was_started_wins_over_what_was_there(tmp_path: Path) -> None:
    """Empty and differently written variables of the same name are replaced, and `.env` is not read again."""
    given = {"REDIS_URL": "", "redis_password": "for-another-server"}
    found = {"REDIS_URL": "unix:///run/redis.sock", "REDIS_PASSWORD": ""}
    result = hand_over(given, secrets=tmp_path, found=found)
    assert result["REDIS_URL"] == "unix:///run/redis.sock"
    assert result["REDIS_PASSWORD"] == ""
    assert "redis_password" not in result
    assert result["ENV_FILE"] == ""
