"""The typed environment: what is read, and what a wrong value says."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from cache_platform.ratelimits import LONGEST_WINDOW, Limit
from config.environment import (
    BASE_DIR,
    LONGEST_LIMIT_WINDOW,
    ConfigurationError,
    Environment,
    get_environment,
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variable of the site is set, and none is remembered."""
    for name in Environment.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("ENV_FILE", "")
    get_environment.cache_clear()
    yield
    get_environment.cache_clear()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("WORKERS", "abc", "WORKERS: Input should be a valid integer"),
        ("WORKERS", "0", "WORKERS: Input should be greater than or equal to 1"),
        ("PORT", "70000", "PORT: Input should be less than or equal to 65535"),
        ("REDIS_URL", "localhost:6379", "REDIS_URL: must start with redis://, rediss:// or unix://"),
        ("REDIS_URL", "redis+sentinel://x", "REDIS_URL: redis+sentinel:// comes with a later release"),
        ("REDIS_STATE_URL", "state:6379", "REDIS_STATE_URL: must start with redis://, rediss:// or unix://"),
        ("REDIS_STATE_URL", "redis+cluster://x", "REDIS_STATE_URL: redis+cluster:// comes with a later release"),
        ("REDIS_STATE_URL", "redis://b", "REDIS_STATE_URL is beside REDIS_URL: give both"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL: must start with postgres://"),
        ("DEBUG", "perhaps", "DEBUG: Input should be a valid boolean"),
        ("PROVIDERS", "both", "PROVIDERS: Input should be 'sandbox' or 'live'"),
        ("DEMO_PASSWORD", "short", "DEMO_PASSWORD: Value should have at least 8 characters"),
        ("SECRET_KEY", "short", "SECRET_KEY: Value should have at least 20 characters"),
        ("API_KEY_PEPPER", "short", "API_KEY_PEPPER: Value should have at least 20 characters"),
        ("SANDBOX_URL", "ftp://x", "SANDBOX_URL: must be an http:// or https:// address"),
        ("REDIS_SOCKET_TIMEOUT", "0", "REDIS_SOCKET_TIMEOUT: Input should be greater than 0"),
        ("RATE_LIMIT_SEARCH", "5/h15", "RATE_LIMIT_SEARCH: must be requests and seconds of the window"),
        ("RATE_LIMIT_SEARCH", "5/604801s", "RATE_LIMIT_SEARCH: must be requests and seconds of the window"),
        ("LLM_BASE_URL", "api.openai.com/v1", "LLM_BASE_URL: must be an http:// or https:// address"),
        ("LLM_TIMEOUT", "0", "LLM_TIMEOUT: Input should be greater than 0"),
        ("LLM_TIMEOUT", "nan", "LLM_TIMEOUT: Input should be"),
        ("LLM_PRICE_PER_1000", "-0.1", "LLM_PRICE_PER_1000: Input should be greater than or equal to 0"),
        ("LLM_PRICE_PROMPT", "NaN", "LLM_PRICE_PROMPT: Input should be a finite number"),
        ("LLM_PRICE_COMPLETION", "cheap", "LLM_PRICE_COMPLETION: Input should be a valid decimal"),
        ("TOKEN_KEYS", "not-a-key", "TOKEN_KEYS: must be Fernet keys with commas between them"),
        ("SITE_URL", "example.org", "SITE_URL: must be an http:// or https:// address"),
    ],
)
def test_a_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, told: str
) -> None:
    """And what is allowed; never the value, which may be a secret."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError) as caught:
        get_environment()
    assert told.partition(":")[0] in str(caught.value)
    assert str(caught.value).startswith(told)


@pytest.mark.parametrize("variable", ["REDIS_URL", "UPSTASH_REDIS_URL", "REDIS_STATE_URL"])
def test_a_password_that_breaks_an_address_is_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    """What stands before the slash would be read as a port, and told as one."""
    monkeypatch.setenv("REDIS_URL", "redis://h")
    monkeypatch.setenv(variable, "redis://:se/cret@h")
    with pytest.raises(ConfigurationError) as caught:
        get_environment()
    shown = "".join(traceback.format_exception(caught.value))
    assert str(caught.value).startswith(f"{variable}: has no valid port")
    assert "se/" not in shown
    assert "cret" not in shown.replace("secret", "")


def test_the_longest_window_is_the_limiters_own() -> None:
    """What the environment lets through, the limiter takes."""
    assert LONGEST_LIMIT_WINDOW == LONGEST_WINDOW
    assert str(Limit.parse(f"5/{LONGEST_LIMIT_WINDOW}s")) == f"5/{LONGEST_LIMIT_WINDOW}s"


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("WORKERS", "abc", "error: WORKERS: Input should be a valid integer"),
        ("CACHE_TTL_WEATHER_CURRENT", "ten", "error: CACHE_TTL_WEATHER_CURRENT: must be whole seconds"),
    ],
)
def test_the_site_does_not_start_with_a_wrong_value(tmp_path: Path, variable: str, value: str, told: str) -> None:
    """One line, exit code 1, no traceback; the policies' variables are checked as well."""
    environment = {**os.environ, "ENV_FILE": "", "VAR_DIR": str(tmp_path), variable: value}
    argv = [sys.executable, "manage.py", "check"]
    ended = subprocess.run(argv, cwd=BASE_DIR, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.startswith(told)
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"REDIS_URL": "redis://a"}, "redis://a"),
        ({"UPSTASH_REDIS_URL": "rediss://b"}, "rediss://b"),
        ({"REDIS_URL": "redis://a", "UPSTASH_REDIS_URL": "rediss://b"}, "redis://a"),
        ({"REDIS_HOST": "c", "REDIS_PORT": "7000", "REDIS_DB": "2"}, "redis://c:7000/2"),
        ({"REDIS_URL": "redis://a", "REDIS_HOST": "c"}, "redis://a"),
        ({"REDIS_URL": "redis://a/0", "REDIS_PASSWORD": "p@ss/1"}, "redis://:p%40ss%2F1@a/0"),
        ({"REDIS_URL": "redis://me@a/0", "REDIS_PASSWORD": "p"}, "redis://me:p@a/0"),
        ({"REDIS_URL": "redis://:own@a/0", "REDIS_PASSWORD": "p"}, "redis://:own@a/0"),
    ],
)
def test_the_address_of_redis(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None) -> None:
    """REDIS_URL, else UPSTASH_REDIS_URL, else host, port and db; the password fills in where there is none."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert get_environment().redis == url


def test_the_broker_is_redis_in_celerys_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """A unix socket has another scheme there."""
    monkeypatch.setenv("REDIS_URL", "unix:///run/redis.sock")
    assert get_environment().broker == "redis+socket:///run/redis.sock"
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker/1")
    get_environment.cache_clear()
    assert get_environment().broker == "redis://broker/1"


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"REDIS_URL": "redis://a/0"}, None),
        ({"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": ""}, None),
        ({"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": "redis://a/0"}, None),
        ({"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": "redis://a/0", "REDIS_PASSWORD": "p"}, None),
        ({"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": "redis://:p@a/0", "REDIS_PASSWORD": "p"}, None),
        ({"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": "redis://a/1"}, "redis://a/1"),
        ({"REDIS_URL": "redis://a/0", "REDIS_STATE_URL": "rediss://b", "REDIS_PASSWORD": "p"}, "rediss://b"),
        ({"REDIS_HOST": "a", "REDIS_STATE_URL": "unix:///run/b.sock"}, "unix:///run/b.sock"),
        ({"UPSTASH_REDIS_URL": "rediss://a", "REDIS_STATE_URL": "redis://:own@b/0"}, "redis://:own@b/0"),
    ],
)
def test_the_address_of_redis_for_state(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str | None
) -> None:
    """Only one that is another; the password of the one for entries is not sent there."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert get_environment().redis_state == url


def test_the_broker_is_the_redis_for_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where queues are not evicted; CELERY_BROKER_URL names another one."""
    monkeypatch.setenv("REDIS_URL", "redis://a/0")
    monkeypatch.setenv("REDIS_STATE_URL", "unix:///run/state.sock")
    assert get_environment().broker == "redis+socket:///run/state.sock"
    monkeypatch.setenv("CELERY_BROKER_URL", "redis://broker/1")
    get_environment.cache_clear()
    assert get_environment().broker == "redis://broker/1"


def test_the_address_for_state_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It may hold a password."""
    file = tmp_path / "url"
    file.write_text("redis://:own@b/0\n", encoding="utf-8")
    monkeypatch.setenv("REDIS_URL", "redis://a/0")
    monkeypatch.setenv("REDIS_STATE_URL_FILE", str(file))
    assert get_environment().redis_state == "redis://:own@b/0"


def test_a_secret_comes_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """<NAME>_FILE, as container platforms hand secrets over."""
    file = tmp_path / "key"
    file.write_text("a-secret-key-of-enough-length\n", encoding="utf-8")
    monkeypatch.setenv("SECRET_KEY_FILE", str(file))
    secret = get_environment().secret_key
    assert secret is not None
    assert secret.get_secret_value() == "a-secret-key-of-enough-length"


def test_a_secret_given_twice_or_not_readable_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Which one counts must not be a guess."""
    monkeypatch.setenv("SECRET_KEY_FILE", str(tmp_path / "missing"))
    with pytest.raises(ConfigurationError, match="SECRET_KEY_FILE: cannot read"):
        get_environment()
    monkeypatch.setenv("SECRET_KEY", "a-secret-key-of-enough-length")
    with pytest.raises(ConfigurationError, match="SECRET_KEY and SECRET_KEY_FILE are both set"):
        get_environment()


def test_a_key_is_needed_for_the_live_provider_that_wants_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open-Meteo and Hacker News need none."""
    monkeypatch.setenv("PROVIDERS", "live")
    get_environment()
    get_environment.cache_clear()
    monkeypatch.setenv("NEWS_PROVIDER", "newsapi")
    with pytest.raises(ConfigurationError, match="NEWS_API_KEY is needed"):
        get_environment()
