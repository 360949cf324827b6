"""Django settings, from the typed environment."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import dj_database_url
from cryptography.fernet import Fernet
from csp.constants import NONE, SELF
from django.utils.crypto import salted_hmac

from config.environment import BASE_DIR, get_environment

env = get_environment()
VAR_DIR = (BASE_DIR / env.var_dir).resolve()


def _random_text() -> str:
    return secrets.token_urlsafe(48)


def _made_up_secret(name: str, make: Callable[[], str] = _random_text) -> str:
    """A secret that is made up once and kept in VAR_DIR, so that a restart logs nobody out."""
    path = VAR_DIR / "secrets" / name
    if not path.exists():
        VAR_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        fresh = path.with_name(f"{name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(make(), encoding="utf-8")
        try:
            path.hardlink_to(fresh)  # of several processes that start at once, the first one's secret stays
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text(encoding="utf-8")


SECRET_KEY = env.secret_key.get_secret_value() if env.secret_key else _made_up_secret("secret_key")
DEBUG = env.debug
ALLOWED_HOSTS = env.allowed_hosts
CSRF_TRUSTED_ORIGINS = env.csrf_trusted_origins

INSTALLED_APPS = [
    "config.apps.SiteConfig",
    "config.apps.GuardedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "django_ratelimit",
    "cache_platform",
    "accounts",
    "weather",
    "news",
    "connectors",
    "assistant",
    "auras",
    "dashboard",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.IdentityBackend"]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "dashboard"

# The coarse guard on forms (accounts.pages.guard).
RATELIMIT_USE_CACHE = "state" if env.redis_state else "default"
RATELIMIT_FAIL_OPEN = True  # forms work while Redis is away
# It knows backends by their names: ours, which is django-redis' with a breaker, it does not know; and of the memory of
# one process, which is enough for `runserver`, it says that it is not shared.
SILENCED_SYSTEM_CHECKS = ["django_ratelimit.E003", "django_ratelimit.W001"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


# A transaction that reads first and writes then would else fail when another one wrote in between. A write-ahead log
# lets others read meanwhile, and does not wait for the disk at each commit: those who queue are not refused for it.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 5,
    "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
}


def _database() -> dict[str, Any]:
    if env.database_url is None:
        VAR_DIR.mkdir(parents=True, exist_ok=True, mode=0o700)
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": VAR_DIR / "site.sqlite3",
            "OPTIONS": SQLITE_OPTIONS,
        }
    database: dict[str, Any] = dict(dj_database_url.parse(env.database_url))
    if database["ENGINE"] == "django.db.backends.sqlite3":
        database["OPTIONS"] = {**SQLITE_OPTIONS, **database.get("OPTIONS", {})}
    if database["ENGINE"] == "django.db.backends.postgresql":
        # A pool, because each of the web server's threads would else keep a connection of its own.
        database["CONN_HEALTH_CHECKS"] = True
        database["OPTIONS"] = {
            **database.get("OPTIONS", {}),
            "connect_timeout": 2,
            "pool": {"min_size": 0, "max_size": 32, "timeout": 3},
        }
    return database


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _redis_cache(location: str) -> dict[str, Any]:
    return {
        "BACKEND": "cache_platform.backend.RedisCache",
        "LOCATION": location,
        "KEY_PREFIX": "site",
        "OPTIONS": {
            "SOCKET_TIMEOUT": env.redis_socket_timeout,
            "SOCKET_CONNECT_TIMEOUT": env.redis_connect_timeout,
            "MAX_CONNECTIONS": env.redis_max_connections,
            "HEALTH_CHECK_INTERVAL": env.redis_health_check_interval,
        },
    }


CACHES: dict[str, dict[str, Any]] = {
    "default": _redis_cache(env.redis) if env.redis else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}
if env.redis_state:
    CACHES["state"] = _redis_cache(env.redis_state)

CACHE_PLATFORM = {
    "STORE": "redis" if env.redis else "memory",
    "STATE_ALIAS": "state" if env.redis_state else None,
    "ENABLED": env.enable_redis_cache,
    "TRUSTED_PROXIES": env.trusted_proxies,
    "WEB_PROCESSES": env.workers,
    "RATE_LIMITS": env.rate_limits,
    "SERVICES": {
        "weather": ["weather.current", "weather.forecast"],
        "news": ["news.headlines"],
        "chat": ["assistant.answer"],
    },
    "HEARTBEATS": {"worker": "service.worker"},
    "METRICS_TOKEN": env.metrics_token.get_secret_value() if env.metrics_token else None,
}

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# `make run` collects the static files under immutable names; without that (runserver, tests) they are found in place.
COLLECTED = (STATIC_ROOT / "staticfiles.json").exists()
WHITENOISE_USE_FINDERS = not COLLECTED
WHITENOISE_AUTOREFRESH = not COLLECTED
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if COLLECTED
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["accounts.rest.parsers.JsonParser"],
    # A credential in a header goes before the cookie that a browser adds by itself.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.authentication.BearerAuthentication",
        "accounts.authentication.ApiKeyAuthentication",
        "accounts.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_SCHEMA_CLASS": "config.openapi.SiteSchema",
    "EXCEPTION_HANDLER": "cache_platform.rest.problems.exception_handler",
    "URL_FORMAT_OVERRIDE": None,
    "NUM_PROXIES": env.trusted_proxies,
}

SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": salted_hmac("accounts.tokens.signing", "", secret=SECRET_KEY, algorithm="sha256").hexdigest(),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
}
API_KEY_PEPPER = env.api_key_pepper.get_secret_value() if env.api_key_pepper else None

SPECTACULAR_SETTINGS = {
    "TITLE": "Cache Platform",
    "VERSION": "0.1.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SORT_OPERATION_PARAMETERS": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.schema.with_introduction",
        "config.schema.with_plain_routes",
        "config.schema.with_named_parts",
    ],
}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = env.secure_ssl
SECURE_REDIRECT_EXEMPT = [r"^health"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.trusted_proxies else None
SECURE_HSTS_SECONDS = 31_536_000 if env.secure_ssl else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.secure_ssl
SECURE_HSTS_PRELOAD = env.secure_ssl
SESSION_ENGINE = "accounts.sessions.cached_db"
SESSION_COOKIE_SECURE = env.secure_ssl
CSRF_COOKIE_SECURE = env.secure_ssl
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

DEMO_PASSWORD = env.demo_password.get_secret_value() if env.demo_password else None
PROVIDERS = env.providers
SANDBOX_URL = env.sandbox_url or "http://127.0.0.1:8001"
WEATHER_URL = env.weather_url
NEWS_PROVIDER = env.news_provider
NEWS_URL = env.news_url
NEWS_API_KEY = env.news_api_key.get_secret_value() if env.news_api_key else None

LLM_BASE_URL = env.llm_base_url
LLM_API_KEY = env.llm_api_key.get_secret_value() if env.llm_api_key else None
LLM_MODEL = env.llm_model
LLM_TIMEOUT = env.llm_timeout
LLM_MAX_TOKENS = env.llm_max_tokens
LLM_SHARE_ANSWERS = env.llm_share_answers
LLM_PRICE_PER_1000 = env.llm_price_per_1000
LLM_PRICE_PROMPT = env.llm_price_prompt
LLM_PRICE_COMPLETION = env.llm_price_completion

SITE_URL = env.site_url or f"http://127.0.0.1:{env.port}"
OAUTH_CLIENTS = env.oauth_clients
TOKEN_KEYS = (
    env.token_keys.get_secret_value()
    if env.token_keys
    else _made_up_secret("token_keys", lambda: Fernet.generate_key().decode())
)

CELERY_BROKER_URL = env.broker or "memory://"
CELERY_TASK_ALWAYS_EAGER = env.broker is None
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # a worker outlives whatever outage of its broker
# Half a second, because a caller that enqueues must not hang with a broker that hangs.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "visibility_timeout": 3600,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.log_level},
    "loggers": {
        "django": {"level": "INFO", "handlers": ["stderr"], "propagate": False},
        "authlib": {"level": "INFO"},  # at DEBUG it writes down tokens
        "cache_platform.audit": {"level": "INFO"},  # who flushed what, however little else is logged
        "httpx": {"level": "WARNING"},
        "httpcore": {"level": "WARNING"},
    },
}

# Whoever can write to the broker could else shut the workers down with one message.
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.errors.AddressHidingFilter"

CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat" / "schedule")
CELERY_BEAT_SCHEDULE = {
    "heartbeat": {"task": "config.tasks.heartbeat", "schedule": 30.0, "options": {"expires": 30}},
    "renew-tokens": {"task": "connectors.tasks.renew_tokens", "schedule": 30.0, "options": {"expires": 30}},
    "revoke-tokens": {"task": "connectors.tasks.revoke_tokens", "schedule": 60.0, "options": {"expires": 60}},
    "forget-requests": {"task": "connectors.tasks.forget_requests", "schedule": 3600.0, "options": {"expires": 3600}},
    "forget-jobs": {"task": "connectors.tasks.forget_jobs", "schedule": 6 * 3600.0},
    "forget-ended-credentials": {"task": "accounts.tasks.forget_ended_credentials", "schedule": 6 * 3600.0},
}
