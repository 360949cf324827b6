"""People who sign in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """The site's user. A model of our own from the first migration, because it cannot be swapped in later."""
