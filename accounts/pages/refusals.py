"""What the pages say when the attempts at a password are used up."""

from __future__ import annotations

from typing import TypeVar

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.attempts import refusal_of
from accounts.pages.wording import wait_words
from cache_platform.ratelimits import Decision

R = TypeVar("R", bound=HttpResponseBase)


class SignInForm(AuthenticationForm):
    """Username and password. What is wrong with the two together is tied to both, so that it is read out with them."""

    def get_invalid_login_error(self) -> ValidationError:
        """That too many were wrong, if that is why nobody was let in."""
        return _refusal(self) or super().get_invalid_login_error()

    def full_clean(self) -> None:
        """See the class."""
        super().full_clean()
        if self.non_field_errors():
            invalid = {"aria-invalid": "true"} if _refusal(self) is None else {}  # what was typed may be right
            for field in self.fields.values():
                field.widget.attrs.update({"aria-describedby": "form-problem", **invalid})


class AdminSignInForm(AdminAuthenticationForm):
    """The admin's, which says the same."""

    def get_invalid_login_error(self) -> ValidationError:
        """See SignInForm."""
        return _refusal(self) or super().get_invalid_login_error()


def too_many(decision: Decision) -> ValidationError:
    """The form's error for a refused attempt."""
    words = wait_words(decision.retry_after_seconds)
    return ValidationError(f"Too many attempts. Try again in {words}.", code="too_many_attempts")


def as_refused(request: HttpRequest, response: R) -> R:
    """`response`, as a 429 (RFC 6585, section 4) with Retry-After if the request's attempt was refused."""
    refusal = refusal_of(request)
    if refusal is not None:
        response.status_code = 429
        response["Retry-After"] = str(refusal.retry_after_seconds)
    return response


def _refusal(form: AuthenticationForm) -> ValidationError | None:
    refusal = refusal_of(form.request) if form.request is not None else None
    return too_many(refusal) if refusal is not None else None
