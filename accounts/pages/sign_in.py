"""Signing in and out: Django's own views and form, with pages of ours."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from accounts.pages.guard import guarded
from accounts.pages.refusals import SignInForm, as_refused


# What error reports must not tell, those of the guard neither.
@method_decorator(sensitive_post_parameters(), name="dispatch")
@method_decorator(guarded, name="dispatch")
@method_decorator(sensitive_variables(), name="dispatch")
class SignInView(LoginView):
    """The sign-in page. Whoever is signed in already is sent on."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """The form again; a 429 when the attempts are used up."""
        return as_refused(self.request, super().form_invalid(form))

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
