"""What a walk to a platform is bound to: the browser, or the credential of the program, that began it.

A state that is only known to somebody is not enough: an attacker's own state and code, put into another person's
browser, would connect the attacker's account there (RFC 6749, section 10.12).
"""

from __future__ import annotations

from django.http import HttpRequest

from accounts.grants import KeyGrant, TokenGrant
from accounts.sessions.keys import row_key_of

SESSION = "session:"


def binding_of(request: HttpRequest, auth: object = None) -> str | None:
    """The session, token family or API key of a request; `auth` is what DRF's authentication gave. None without one.

    A token's family rather than the token, because access tokens end within minutes and are refreshed meanwhile.
    """
    if isinstance(auth, TokenGrant):
        return f"family:{auth.family}"
    if isinstance(auth, KeyGrant):
        return f"key:{auth.key_id}"
    row_key = row_key_of(request.session.session_key)
    return f"{SESSION}{row_key}" if row_key else None
