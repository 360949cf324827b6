"""The site's settings for tests that sign in hundreds of times: a password costs next to nothing."""

from config.settings import *  # noqa: F403  # all of them

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
