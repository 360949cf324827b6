"""The admin's own ways to check a password, under the site's limit."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from accounts.pages.guard import guarded
from accounts.pages.refusals import AdminSignInForm, as_refused


class GuardedAdmin(AdminSite):
    """Django's admin, in which passwords cannot be tried without end."""

    login_form = AdminSignInForm

    @method_decorator([sensitive_post_parameters(), guarded])
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's page; a 429 when the attempts are used up."""
        return as_refused(request, super().login(request, extra_context))

    def password_change(  # type: ignore[override]  # another response, as any view's
        self,
        request: HttpRequest,  # noqa: ARG002  # Django's signature
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002  # Django's signature
    ) -> HttpResponse:
        """To the account's page: Django's own form compares the old password by itself, past the limit."""
        return redirect("accounts:password")
