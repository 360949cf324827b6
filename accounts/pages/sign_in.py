"""Signing in and out: Django's own views and form, with pages of ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_variables

from accounts.passwords import check_password_of


class SignInForm(AuthenticationForm):
    """Username and password. What is wrong with the two together is tied to both, so that it is read out with them."""

    def clean(self) -> dict[str, Any]:
        """See AuthenticationForm; the password is checked where all are."""
        username, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if username is not None and password:
            assert self.request is not None, "the view gives it"
            self.user_cache = check_password_of(username, password, self.request)
            if self.user_cache is None:
                raise self.get_invalid_login_error()
        return self.cleaned_data

    def full_clean(self) -> None:
        """See the class."""
        super().full_clean()
        if self.non_field_errors():
            for field in self.fields.values():
                field.widget.attrs.update({"aria-describedby": "form-problem", "aria-invalid": "true"})


@method_decorator(sensitive_variables(), name="dispatch")  # what error reports must not tell
class SignInView(LoginView):
    """The sign-in page. Whoever is signed in already is sent on."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_redirect_url(self, request: HttpRequest | None = None) -> str:  # noqa: ARG002  # what django-stubs expects
        """Where `next` says to go, if it is a page of this site; empty otherwise, and for the pages by which one
        comes and goes: they would lead in a circle.
        """
        address = super().get_redirect_url()
        circles = {
            reverse("accounts:login"),
            reverse("accounts:logout"),
            reverse("admin:login"),
            reverse("admin:logout"),
        }
        return "" if urlsplit(address).path in circles else address


class SignOutView(LogoutView):
    """Ends the browser's session; asked by POST only, so that no picture on another site signs anybody out."""
