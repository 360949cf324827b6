"""The site's SESSION_ENGINE: Django's `cached_db`, with the platform in the place of the cache.

A session is a row in the database, so losing Redis logs nobody out; reading it goes through a strict policy, so a
session that was ended is over for the next request of every process. Neither holds the key that is in the cookie.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.backends.base import CreateError, UpdateError
from django.db import DatabaseError, IntegrityError, router, transaction
from django.utils import timezone

from accounts.models import Session, User
from accounts.policies import SESSION
from accounts.schema import SessionState
from accounts.sessions.keys import new_key, row_key_of
from cache_platform import read

logger = logging.getLogger(__name__)

SEEN_EVERY = timedelta(minutes=5)
"""How exactly `last_seen` is kept."""


def load_session(session: str) -> SessionState | None:
    """The session with this primary key from the database; None when there is none or it has expired."""
    now = timezone.now()
    row = (
        Session.objects.filter(pk=session, expire_date__gt=now).only("session_data", "expire_date", "last_seen").first()
    )
    if row is None:
        return None
    return SessionState(data=row.session_data, expires=row.expire_date.timestamp(), last_seen=row.last_seen.timestamp())


class SessionStore(cached_db.SessionStore):
    """One browser's session. What a stranger makes up as its key counts as no key at all."""

    _sign_in: dict[str, Any] | None = None
    """What the next save writes down about the sign-in."""

    if TYPE_CHECKING:  # what django-stubs leaves out
        _session: dict[str, Any]
        _get_session: Callable[..., dict[str, Any]]
        _get_or_create_session_key: Callable[[], str]

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """The rows; `clearsessions` deletes those that have expired."""
        return Session

    def signed_in_from(self, *, user_agent: str, address: str) -> None:
        """Have the next save write down where this sign-in came from."""
        self._sign_in = {"user_agent": user_agent, "address": address, "created_at": timezone.now()}
        self.modified = True

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing, and no key any more, when it is not there or over."""
        row_key = row_key_of(self.session_key)
        found = read(SESSION, {"session": row_key}, load_session) if row_key else None
        if row_key is None or found is None or found.value is None:
            self._session_key = None
            return {}
        if not found.cached:  # an entry does not know what was written since, and would have it written each time
            _note_seen(row_key, found.value)
        return self.decode(found.value.data)

    def exists(self, session_key: str | None) -> bool:
        """Whether there is a row for this key, expired or not."""
        row_key = row_key_of(session_key)
        return row_key is not None and Session.objects.filter(pk=row_key).exists()

    def create(self) -> None:
        """Give this session a new key and a row. No other session has such a key, so it is not tried twice."""
        self._session_key = new_key()
        self.save(must_create=True)
        self.modified = True

    def cycle_key(self) -> None:
        """Move the session to a new key, in one statement; the old one is over at once."""
        data, old = self._session, row_key_of(self.session_key)
        self._session_key = new_key()
        moved = {"session_key": row_key_of(self.session_key)}
        with _transaction():
            if old is None or not Session.objects.filter(pk=old).update(**moved):
                self.save(must_create=True)
        self._session_cache = data
        self.modified = True

    def save(self, must_create: bool = False) -> None:
        """Write the row. Raises CreateError when there is one already, and without `must_create` UpdateError when
        there is none: a session that was ended meanwhile is not brought back."""
        if self.session_key is None:
            return self.create()
        row = self.create_model_instance(self._get_session(no_load=must_create))
        try:
            with _transaction():
                if must_create:
                    row.save(force_insert=True)
                    return None
                updated = Session.objects.filter(pk=row.pk).update(**self._changes(row))
        except IntegrityError as error:  # without must_create: its user was deleted a moment ago
            raise (CreateError if must_create else UpdateError) from error
        if not updated:
            raise UpdateError
        return None

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """The row for a session that holds `data`, not saved."""
        user_id = data.get(SESSION_KEY)
        row_key = row_key_of(self._get_or_create_session_key())
        assert row_key is not None  # no other key is kept
        return Session(
            session_key=row_key,
            session_data=self.encode(data),
            expire_date=self.get_expiry_date(),
            user_id=None if user_id is None else User._meta.pk.to_python(user_id),
            **(self._sign_in or {}),
        )

    def delete(self, session_key: str | None = None) -> None:
        """End the session with this key, or this one."""
        row_key = row_key_of(session_key or self.session_key)
        if row_key is not None:
            Session.objects.filter(pk=row_key).delete()

    def _changes(self, row: Session) -> dict[str, Any]:
        """The columns to write of a row that is there: who signed in where is kept."""
        changes = {
            "session_data": row.session_data,
            "expire_date": row.expire_date,
            "user_id": row.user_id,
            "last_seen": timezone.now(),
        }
        return changes | (self._sign_in or {})

    def _validate_session_key(self, key: str | None) -> bool:
        """Whether a key was made here; asked at each assignment, and no other key is kept."""
        return row_key_of(key) is not None

    def _get_new_session_key(self) -> str:
        return new_key()

    # Django's own asynchronous twins would put the key itself into the cache.

    async def aload(self) -> dict[str, Any]:
        """See load."""
        return await sync_to_async(self.load)()

    async def aexists(self, session_key: str | None) -> bool:
        """See exists."""
        return await sync_to_async(self.exists)(session_key)

    async def acreate(self) -> None:
        """See create."""
        await sync_to_async(self.create)()

    async def acycle_key(self) -> None:
        """See cycle_key."""
        await sync_to_async(self.cycle_key)()

    async def asave(self, must_create: bool = False) -> None:
        """See save."""
        await sync_to_async(self.save)(must_create)

    async def adelete(self, session_key: str | None = None) -> None:
        """See delete."""
        await sync_to_async(self.delete)(session_key)


def _note_seen(row_key: str, state: SessionState) -> None:
    """Write down that the session is in use, if that was not done lately. Nobody's request fails for it."""
    now = timezone.now()
    before = now - SEEN_EVERY
    if state.last_seen > before.timestamp():
        return
    try:
        with _transaction():
            Session.objects.filter(pk=row_key, last_seen__lte=before).update(last_seen=now)
    except DatabaseError as error:
        logger.warning("last_seen of a session is not written: %s", error)


def _transaction() -> AbstractContextManager[None]:
    return transaction.atomic(using=router.db_for_write(Session))
