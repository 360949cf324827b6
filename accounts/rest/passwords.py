"""The password over REST."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponse
from django.views.decorators.debug import sensitive_variables
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from accounts.passwords import check_password_of
from accounts.rest.attempts import ATTEMPTS, ChecksPasswords
from accounts.rest.base import OwnView, http_request, succeeded, user_in
from accounts.rest.bodies import Body
from accounts.rest.schema import EMPTY, problems
from accounts.rest.tokens import LONGEST_PASSWORD
from accounts.sign_ins import change_password


class PasswordFields(Body):
    """The old password and the new one."""

    old = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)
    new = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)


class PasswordView(ChecksPasswords, OwnView):
    """The own password."""

    @extend_schema(
        operation_id="auth_password",
        request=PasswordFields,
        responses={**EMPTY, **problems(400, 401, 403, 429)},
        extensions=ATTEMPTS,
    )
    @sensitive_variables()
    def post(self, request: Request) -> HttpResponse:
        """Change the password, which ends all of the user's tokens, sessions and API keys, this one's too."""
        given = PasswordFields(data=request.data)
        given.is_valid(raise_exception=True)
        old, new = given.validated_data["old"], given.validated_data["new"]
        user = check_password_of(user_in(request).username, old, http_request(request))
        if user is None:
            raise ValidationError({"old": ["This is not the present password."]})
        try:
            validate_password(new, user)
        except DjangoValidationError as error:
            raise ValidationError({"new": error.messages}) from None
        change_password(user, new)
        return succeeded(None)
