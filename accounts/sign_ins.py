"""Where a user is signed in, and ending it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import router, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from accounts.models import Session, User
from accounts.models.user import new_nonce
from accounts.origins import origin_of
from accounts.sessions.cached_db import SessionStore
from accounts.sessions.keys import ROW_KEY, row_key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveSession:
    """A browser that is signed in. `id` names it to its user and opens nothing; `current`: the one that is asking.
    `address` may be empty; an IPv6 one is its /64 network."""

    id: str
    signed_in_at: datetime
    last_seen: datetime
    expires: datetime
    user_agent: str
    address: str
    current: bool


def active_sessions(user: User, *, current_key: str | None = None) -> list[ActiveSession]:
    """The user's sessions that have not expired, the one seen last first. `current_key` is request.session's."""
    current = row_key_of(current_key)
    rows = Session.objects.filter(user_id=user.pk, expire_date__gt=timezone.now()).defer("session_data")
    return [
        ActiveSession(
            id=row.pk,
            signed_in_at=row.created_at,
            last_seen=row.last_seen,
            expires=row.expire_date,
            user_agent=row.user_agent,
            address=row.address,
            current=row.pk == current,
        )
        for row in rows
    ]


def end_session(user: User, session_id: str) -> bool:
    """End the user's session with that ActiveSession.id; false when there is none, or it is somebody else's."""
    if not ROW_KEY.fullmatch(session_id):
        return False
    return Session.objects.filter(pk=session_id, user_id=user.pk).delete()[0] > 0


def sign_out_everywhere(user: User) -> int:
    """End all of the user's sessions and tokens, for the next request on every process; how many sessions there were.

    API keys stay: they are no sign-in. The present session ends too; `update_session_auth_hash` begins it anew.
    """
    with transaction.atomic(using=router.db_for_write(User)):
        user.session_nonce = new_nonce()
        user.save(update_fields=["session_nonce"])
        return Session.objects.filter(user_id=user.pk).delete()[0]


@sensitive_variables()
def change_password(user: User, new: str) -> None:
    """Set a password that was validated already, and end all of the user's sessions, tokens and API keys with it.

    One transaction, so that there is no moment at which the new password and an old sign-in are both good. The user's
    row is written whatever a page has loaded of it; see sign_out_everywhere for the present session.
    """
    with transaction.atomic(using=router.db_for_write(User)):
        user.set_password(new)
        user.session_nonce = new_nonce()
        user.save(update_fields=["password", "session_nonce"])
        Session.objects.filter(user_id=user.pk).delete()


def note_sign_in(*, request: HttpRequest | None, **_signal: Any) -> None:
    """Receiver of user_logged_in: write down with the session where the sign-in came from."""
    session = getattr(request, "session", None)
    if request is None or not isinstance(session, SessionStore):
        return
    origin = origin_of(request)
    session.signed_in_from(user_agent=origin.user_agent, address=origin.address)
