"""Changing the password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.pages.frame import account_page, show, user_of
from accounts.pages.refusals import as_refused, too_many
from accounts.passwords import TooManyAttempts, check_password_of
from accounts.sign_ins import change_password, note_sign_in


class ChangePasswordForm(PasswordChangeForm):
    """Django's form, whose old password is checked where all passwords are."""

    def __init__(self, request: HttpRequest, **kwargs: Any) -> None:
        """`request` is the signed-in user's."""
        super().__init__(user_of(request), **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        """The old password. Raises ValidationError when it is another one, or was tried too often."""
        old: str = self.cleaned_data["old_password"]
        try:
            user = check_password_of(self.user.get_username(), old, self._request)
        except TooManyAttempts as refused:
            raise too_many(refused.decision) from None
        if user is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        return old


@sensitive_variables()
@sensitive_post_parameters()
@account_page
def password(request: HttpRequest) -> HttpResponse:
    """Old password, new password, new password again. What is entered wrongly is never sent back."""
    user = user_of(request)
    form = ChangePasswordForm(request, data=request.POST if request.method == "POST" else None)
    if not form.is_valid():
        response = show(request, "password", {"form": form})
        response["Cache-Control"] = "no-store"
        return as_refused(request, response)
    change_password(user, form.cleaned_data["new_password1"])
    stay_signed_in(request)
    messages.success(request, "Your password is changed. All else is signed out, and your API keys have ended.")
    return redirect("accounts:sessions")


def stay_signed_in(request: HttpRequest) -> None:
    """Begin the present session anew, under a new key, after all of the user's sessions were ended."""
    note_sign_in(request=request)
    update_session_auth_hash(request, user_of(request))
