"""People who sign in."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AbstractUser
from django.db import models, router, transaction
from django.utils.crypto import salted_hmac
from django.views.decorators.debug import sensitive_variables

if TYPE_CHECKING:
    from accounts.identity import Identity


def new_nonce() -> str:
    """128 random bits, as hexadecimal digits."""
    return secrets.token_hex(16)


class User(AbstractUser):
    """The site's user. A model of our own from the first migration, because it cannot be swapped in later.

    A user that was built from an Identity has neither password nor nonce loaded; what can be told of them without a
    query comes from the identity, until one of them is read or set.
    """

    session_nonce = models.CharField(max_length=32, default=new_nonce, editable=False)
    """A new one ends every session and token of this user, and leaves the password as it is."""

    identity: Identity | None = None
    """What this user was built from, if it was; see accounts.identity."""

    def get_session_auth_hash(self) -> str:
        """The stamp that sessions and token families carry: it changes with the password and with the nonce."""
        identity = self.identity
        if identity is not None and self.get_deferred_fields() >= {"password", "session_nonce"}:
            return identity.session_auth_hash
        return self._stamp("accounts.session", f"{self.password}\0{self.session_nonce}")

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        """The same stamp under each of SECRET_KEY_FALLBACKS."""
        for secret in settings.SECRET_KEY_FALLBACKS:
            yield self._stamp("accounts.session", f"{self.password}\0{self.session_nonce}", secret=secret)

    def get_password_stamp(self) -> str:
        """The stamp that API keys carry: it changes with the password alone, so signing out leaves keys alone."""
        return self._stamp("accounts.password", self.password)

    @sensitive_variables()
    def check_password(self, raw_password: str | None) -> bool:
        """Django's own; but when it replaces the hash by a stronger one of the same password, keys and tokens stay
        good. Other browsers have to sign in again, as with Django's own sessions."""

        def strengthen(raw_password: str) -> None:
            with transaction.atomic(using=router.db_for_write(type(self), instance=self)):
                keys = self.api_keys.filter(stamp=self.get_password_stamp())
                families = self.token_families.filter(stamp=self.get_session_auth_hash())
                self.set_password(raw_password)
                self._password = None  # nobody changed it
                self.save(update_fields=["password"])
                keys.update(stamp=self.get_password_stamp())
                families.update(stamp=self.get_session_auth_hash())

        return check_password(raw_password, self.password, strengthen)

    def has_usable_password(self) -> bool:
        """Whether anybody could sign in with a password; asked by every page of the admin."""
        if self.identity is not None and "password" in self.get_deferred_fields():
            return self.identity.has_usable_password
        return super().has_usable_password()

    def _stamp(self, purpose: str, value: str, *, secret: str | bytes | None = None) -> str:
        """64 hexadecimal digits: an HMAC-SHA256 under a key made of SECRET_KEY for this purpose."""
        return salted_hmac(purpose, value, secret=secret, algorithm="sha256").hexdigest()
