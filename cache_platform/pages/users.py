"""Users whose entries are flushed, by number, as the project's user model knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_permission_codename, get_user_model
from django.core.exceptions import ValidationError
from django.db import Error


@dataclass(frozen=True, slots=True, kw_only=True)
class Whom:
    """`name` is empty where it is not known, or not for whoever asks to know. `missing`: there is no such user."""

    name: str = ""
    missing: bool = False


def named(number: str, *, to: Any) -> Whom:  # noqa: ANN401  # a user, who has permissions
    """The user with that number. Names are for those who may see users in the admin. Nothing is known while the
    database does not answer, nor where users have other keys than numbers."""
    model = get_user_model()
    try:
        user = model._base_manager.filter(pk=number).first()
    except (Error, ValueError, ValidationError):
        return Whom()
    if user is None:
        return Whom(missing=True)
    meta = model._meta
    may_see = any(to.has_perm(f"{meta.app_label}.{get_permission_codename(each, meta)}") for each in ("view", "change"))
    return Whom(name=user.get_username() if may_see else "")
