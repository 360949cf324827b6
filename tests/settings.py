"""The site's settings for tests: nothing of a developer's machine in them, and nothing written beside the code."""

import os
import tempfile

for name in ("DATABASE_URL", "REDIS_URL", "UPSTASH_REDIS_URL", "REDIS_HOST", "REDIS_STATE_URL", "CELERY_BROKER_URL"):
    os.environ.pop(name, None)
os.environ.update(
    ENV_FILE="",
    SECRET_KEY="a-key-for-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    VAR_DIR=os.environ.get("PYTEST_VAR_DIR") or tempfile.mkdtemp(prefix="site-tests-"),
)

from config.settings import *  # noqa: E402, F403  # after the environment is set

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Tests that use Redis without a database must not look for an outbox there; those about it set this themselves.
# Counters are sent when a test says so: a thread that does it would be among the round trips that others count.
CACHE_PLATFORM = {**CACHE_PLATFORM, "OUTBOX_DATABASES": [], "STATISTICS_INTERVAL": 3600}  # noqa: F405
