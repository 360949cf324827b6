"""The site's settings, but that checking a password costs next to nothing: tests sign in hundreds of times."""

from config.settings import *  # noqa: F403  # all of them

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
