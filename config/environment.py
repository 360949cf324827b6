"""The environment, typed: every variable that the site reads, with what is allowed in it.

A wrong value raises ConfigurationError, whose text names the variable and what is allowed. `.env` beside
manage.py is read first (ENV_FILE names another file, or none when empty); real variables win over it.
"""

from __future__ import annotations

import os
import re
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from cryptography.fernet import Fernet
from dotenv import load_dotenv
from pydantic import AfterValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
REDIS_SCHEMES = ("redis", "rediss", "unix")
LATER_REDIS_SCHEMES = ("redis+sentinel", "redis+cluster")
OAUTH_CLIENTS = ("google", "github", "spotify")
LONGEST_LIMIT_WINDOW = 7 * 86_400
DATABASE_SCHEMES = ("postgres", "postgresql", "sqlite")


class ConfigurationError(Exception):
    """A variable has a value that is not allowed; the text says which and what is."""


def _redis_url(value: str) -> str:
    scheme = urlsplit(value).scheme if "://" in value else ""
    if scheme in LATER_REDIS_SCHEMES:
        raise ValueError(f"{scheme}:// comes with a later release; use redis://, rediss:// or unix://")
    if scheme not in REDIS_SCHEMES:
        raise ValueError("must start with redis://, rediss:// or unix://, as in redis://127.0.0.1:6379/0")
    try:
        urlsplit(value).port  # noqa: B018  # reading it validates it; its own error shows what it read
    except ValueError:
        raise ValueError("has no valid port; in a password, write / as %2F, and : @ # ? % by their codes too") from None
    return value


def _database_url(value: str) -> str:
    if urlsplit(value).scheme not in DATABASE_SCHEMES:
        raise ValueError("must start with postgres://, postgresql:// or sqlite://")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be an http:// or https:// address")
    return value.rstrip("/")


def _commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _fernet_keys(value: SecretStr) -> SecretStr:
    for key in value.get_secret_value().split(","):
        try:
            Fernet(key.strip())
        except ValueError:
            made = "python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'"
            raise ValueError(
                f"must be Fernet keys with commas between them, the newest first; {made} makes one"
            ) from None
    return value


def _rate_limit(value: str) -> str:
    limit, *words = value.split()
    match = re.fullmatch(r"[1-9][0-9]{0,8}/([1-9][0-9]{0,5})s", limit)
    if match is None or int(match[1]) > LONGEST_LIMIT_WINDOW:
        raise ValueError("must be requests and seconds of the window, at most a week, as in 20/60s")
    if sorted(words) not in ([], ["allow"], ["shadow"], ["allow", "shadow"]):
        raise ValueError("may have the words shadow and allow after the limit, as in 20/60s shadow")
    return value


RateLimit = Annotated[str, AfterValidator(_rate_limit)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
CommaList = Annotated[list[str], NoDecode]


class Environment(BaseSettings):
    """Attributes carry the variables' names in lower case; `.env.example` describes each for people."""

    model_config = SettingsConfigDict(case_sensitive=False, extra="ignore", hide_input_in_errors=True)

    # The site
    secret_key: SecretStr | None = Field(None, min_length=20)
    api_key_pepper: SecretStr | None = Field(None, min_length=20)
    metrics_token: SecretStr | None = Field(None, min_length=20)
    debug: bool = False
    allowed_hosts: CommaList = ["127.0.0.1", "localhost", "[::1]"]
    csrf_trusted_origins: CommaList = []
    secure_ssl: bool = False
    trusted_proxies: int = Field(0, ge=0, le=10)
    site_url: HttpUrl | None = None
    var_dir: Path = Path("var")
    port: int = Field(8000, ge=1, le=65535)
    workers: int = Field(2, ge=1, le=64)
    demo_password: SecretStr | None = Field(None, min_length=8)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Redis
    redis_url: RedisUrl | None = None
    upstash_redis_url: RedisUrl | None = None
    redis_host: str | None = None
    redis_port: int = Field(6379, ge=1, le=65535)
    redis_db: int = Field(0, ge=0)
    redis_password: SecretStr | None = None
    redis_socket_timeout: float = Field(0.25, gt=0, le=10)
    redis_connect_timeout: float = Field(0.25, gt=0, le=10)
    redis_health_check_interval: int = Field(30, ge=0)
    redis_max_connections: int = Field(64, ge=1)
    redis_server_bin: Path | None = None
    enable_redis_cache: bool = True
    redis_state_url: RedisUrl | None = None
    celery_broker_url: str | None = None

    # The database
    database_url: Annotated[str, AfterValidator(_database_url)] | None = None

    # Rate limits
    rate_limit_auth: RateLimit = "5/900s"
    rate_limit_auth_address: RateLimit = "100/900s"
    rate_limit_search: RateLimit = "30/60s"
    rate_limit_chat: RateLimit = "20/60s"
    rate_limit_upload: RateLimit = "5/60s"
    rate_limit_auras: RateLimit = "100/3600s"

    # Providers
    providers: Literal["sandbox", "live"] = "sandbox"
    sandbox_url: HttpUrl | None = None
    sandbox_delays: Literal["on", "off"] = "on"
    weather_url: HttpUrl | None = None
    news_provider: Literal["newsapi", "gnews", "hackernews"] | None = None
    news_url: HttpUrl | None = None
    news_api_key: SecretStr | None = None

    # The assistant's language model
    llm_base_url: HttpUrl | None = None
    llm_api_key: SecretStr | None = None
    llm_model: str = Field("gpt-4o-mini", max_length=200)
    llm_timeout: float = Field(30.0, gt=0, le=600)
    llm_max_tokens: int = Field(2000, ge=1, le=100_000)
    llm_share_answers: bool = True
    llm_price_per_1000: Decimal = Field(Decimal("0.002"), ge=0, le=1000)
    llm_price_prompt: Decimal | None = Field(None, ge=0, le=1000)
    llm_price_completion: Decimal | None = Field(None, ge=0, le=1000)

    # Connected platforms
    token_keys: Annotated[SecretStr, AfterValidator(_fernet_keys)] | None = None
    google_client_id: str | None = None
    google_client_secret: SecretStr | None = None
    github_client_id: str | None = None
    github_client_secret: SecretStr | None = None
    spotify_client_id: str | None = None
    spotify_client_secret: SecretStr | None = None

    @model_validator(mode="before")
    @classmethod
    def _prepare(cls, values: dict[str, object]) -> dict[str, object]:
        """Drop empty variables (a line `NAME=` in .env means "not set") and split the lists."""
        kept = {name: value for name, value in values.items() if value != ""}
        for name in ("allowed_hosts", "csrf_trusted_origins"):
            if name in kept:
                kept[name] = _commas(kept[name])
        return kept

    @model_validator(mode="after")
    def _state_beside_entries(self) -> Self:
        if self.redis_state_url and self.redis is None:
            raise ValueError("REDIS_STATE_URL is beside REDIS_URL: give both, or REDIS_URL alone")
        return self

    @model_validator(mode="after")
    def _news_key(self) -> Self:
        if self.providers == "live" and self.news_provider in {"newsapi", "gnews"} and not self.news_api_key:
            raise ValueError(f"NEWS_API_KEY is needed for NEWS_PROVIDER={self.news_provider} with PROVIDERS=live")
        return self

    @model_validator(mode="after")
    def _whole_clients(self) -> Self:
        for name in OAUTH_CLIENTS:
            given, secret = getattr(self, f"{name}_client_id"), getattr(self, f"{name}_client_secret")
            if bool(given) != bool(secret):
                raise ValueError(f"{name.upper()}_CLIENT_ID and {name.upper()}_CLIENT_SECRET go together")
        return self

    @property
    def rate_limits(self) -> dict[str, str]:
        """Each preset's limit, from RATE_LIMIT_<PRESET>."""
        start = "rate_limit_"
        return {
            name.removeprefix(start): getattr(self, name) for name in type(self).model_fields if name.startswith(start)
        }

    @property
    def oauth_clients(self) -> dict[str, tuple[str, str]]:
        """Id and secret of this site at each platform where it is registered."""
        found = {}
        for name in OAUTH_CLIENTS:
            given, secret = getattr(self, f"{name}_client_id"), getattr(self, f"{name}_client_secret")
            if given and secret:
                found[name] = (given, secret.get_secret_value())
        return found

    @property
    def redis(self) -> str | None:
        """The Redis address with its password filled in; None when no Redis is configured."""
        url = self._redis_as_given
        return with_password(url, self.redis_password) if url else None

    @property
    def _redis_as_given(self) -> str | None:
        url = self.redis_url or self.upstash_redis_url
        if url is None and self.redis_host:
            url = f"redis://{self.redis_host}:{self.redis_port}/{self.redis_db}"
        return url

    @property
    def redis_state(self) -> str | None:
        """The address of the Redis for state; None when it is the one for entries. REDIS_PASSWORD is not sent there:
        it may be somebody else's server."""
        url = self.redis_state_url
        return None if url in {self._redis_as_given, self.redis} else url

    @property
    def broker(self) -> str | None:
        """The Celery broker's address; the Redis for state unless CELERY_BROKER_URL says otherwise."""
        url = self.celery_broker_url or self.redis_state or self.redis
        return url.replace("unix://", "redis+socket://", 1) if url and url.startswith("unix://") else url


def with_password(url: str, password: SecretStr | None) -> str:
    """`url` with `password` where it has none of its own."""
    parts = urlsplit(url)
    if password is None or parts.password:
        return url
    host = parts.netloc.rpartition("@")[2]
    user = quote(parts.username or "", safe="")
    secret = quote(password.get_secret_value(), safe="")
    return urlunsplit(parts._replace(netloc=f"{user}:{secret}@{host}"))


def _read_secret_files() -> dict[str, str]:
    """`<NAME>_FILE` reads a secret from a file, for every variable that is declared as a secret or a URL."""
    found = {}
    for name in Environment.model_fields:
        variable = name.upper() + "_FILE"
        path = os.environ.get(variable)
        if not path:
            continue
        if os.environ.get(name.upper()):
            raise ConfigurationError(f"{name.upper()} and {variable} are both set: give one of them")
        try:
            found[name] = Path(path).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"{variable}: cannot read {path} ({error.strerror})") from error
    return found


def _explain(error: ValidationError) -> str:
    problems = []
    for item in error.errors(include_url=False, include_input=False):
        name = str(item["loc"][0]).upper() if item["loc"] else ""
        message = item["msg"].removeprefix("Value error, ").replace("items after validation", "characters")
        problems.append(f"{name}: {message}" if name else message)
    return "; ".join(problems)


@cache
def get_environment() -> Environment:
    """The environment, read once per process. Raises ConfigurationError."""
    env_file = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
    if env_file:
        load_dotenv(env_file)
    try:
        return Environment(**_read_secret_files())  # type: ignore[arg-type]  # strings that pydantic converts
    except ValidationError as error:
        raise ConfigurationError(_explain(error)) from None
