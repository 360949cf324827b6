"""The account's API keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_variables

from accounts.api_keys import MOST_KEYS, SignedOut, TooManyKeys, good_keys, make_key, revoke_key
from accounts.key_text import NewKey
from accounts.models import ApiKey, User
from accounts.models.api_key import LONGEST_KEY_NAME
from accounts.pages.frame import account_page, show, user_of
from accounts.pages.wording import Moment, ago, day, moment
from accounts.validators import validate_plain_text

SCOPES = (("read", "Read"), ("write", "Write"))
NEVER = "never"
KEY_ID = re.compile(r"[0-9]{1,18}")
LIFETIMES = (("30", "in 30 days"), ("90", "in 90 days"), ("365", "in a year"), (NEVER, "never"))


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key as the page lists it: never its text, which nobody has any more."""

    id: int
    name: str
    prefix: str
    scopes: tuple[str, ...]
    created: Moment
    used: Moment | None
    expires: Moment | None
    expired: bool


class NewKeyForm(forms.Form):
    """What a new key is called, what it may do, and how long."""

    name = forms.CharField(
        max_length=LONGEST_KEY_NAME,
        validators=[validate_plain_text],
        help_text="So that you recognise it later, for example “Backup script”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label="It may",
        choices=SCOPES,
        initial=["read"],
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )
    lifetime = forms.ChoiceField(label="It expires", choices=LIFETIMES, initial="90")

    def __init__(self, *args: Any, taken: set[str], **kwargs: Any) -> None:
        """`taken` are the names of the keys that there are, in lower case."""
        super().__init__(*args, **kwargs)
        self._taken = taken

    def clean_name(self) -> str:
        """A name that no other key has, so that sending the form twice makes one key."""
        name: str = self.cleaned_data["name"]
        if name.lower() in self._taken:
            raise ValidationError("You have a key with this name already.", code="taken")
        return name

    def expires_at(self, now: datetime) -> datetime | None:
        """When the key ends; None for never."""
        chosen: str = self.cleaned_data["lifetime"]
        return None if chosen == NEVER else now + timedelta(days=int(chosen))


@account_page
def api_keys(request: HttpRequest) -> HttpResponse:
    """The keys. `do=create` makes one and shows it in its answer, the only time; `do=revoke` ends one."""
    user = user_of(request)
    if request.method != "POST":
        return _list(request, NewKeyForm(taken=set()))
    if request.POST.get("do") == "revoke":
        return _revoke(request, user)
    form = NewKeyForm(request.POST, taken={name.lower() for name in good_keys(user).values_list("name", flat=True)})
    if not form.is_valid():
        return _list(request, form)
    return _create(request, user, form)


@sensitive_variables()
def _create(request: HttpRequest, user: User, form: NewKeyForm) -> HttpResponse:
    """Make the key and show it, which nothing else ever does: it is in no address, no session and no message."""
    chosen = form.cleaned_data
    try:
        row, made = make_key(
            user, name=chosen["name"], scopes=chosen["scopes"], expires_at=form.expires_at(datetime.now(UTC))
        )
    except SignedOut:
        return redirect("accounts:login")
    except TooManyKeys:
        form.add_error(None, f"You have {MOST_KEYS} keys, which is the most there can be. Revoke one first.")
        return _list(request, form)
    response = _list(request, NewKeyForm(taken=set()), new=made, new_name=row.name)
    response["Cache-Control"] = "no-store"
    return response


def _revoke(request: HttpRequest, user: User) -> HttpResponse:
    key = request.POST.get("key", "")
    if KEY_ID.fullmatch(key) and revoke_key(user, int(key)):
        messages.success(request, "The key is revoked. No request is let in by it any more.")
    else:
        messages.info(request, "That key was revoked already.")
    return redirect("accounts:api-keys")


def _list(request: HttpRequest, form: NewKeyForm, *, new: NewKey | None = None, new_name: str = "") -> HttpResponse:
    now = datetime.now(UTC)
    rows = [_row(key, now) for key in good_keys(user_of(request))]
    return show(request, "api-keys", {"keys": rows, "form": form, "new": new, "new_name": new_name})


def _row(key: ApiKey, now: datetime) -> KeyRow:
    return KeyRow(
        id=key.pk,
        name=key.name,
        prefix=key.prefix,
        scopes=tuple(label for value, label in SCOPES if value in key.scopes),
        created=moment(key.created_at, day(key.created_at)),
        used=moment(key.last_used_at, ago(key.last_used_at, now)) if key.last_used_at else None,
        expires=moment(key.expires_at, day(key.expires_at)) if key.expires_at else None,
        expired=key.expires_at is not None and key.expires_at <= now,
    )
