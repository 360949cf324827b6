"""`GET` and `POST /oauth/<platform>/authorize`: the consent page, and where it leads (RFC 6749, 4.1.1)."""

from __future__ import annotations

from authlib.oauth2 import OAuth2Error
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from sandbox.oauth.access import server_for
from sandbox.oauth.accounts import ACCOUNTS, DEFAULT_ACCOUNT
from sandbox.oauth.client import is_registered
from sandbox.oauth.definitions import Platform
from sandbox.oauth.forms import browser_of, form_token, is_own_form, remember
from sandbox.oauth.grants import CodeGrant
from sandbox.oauth.messages import Answer, Request
from sandbox.oauth.pages import consent_page, refusal_page
from sandbox.oauth.server import Server

DECISIONS = ("allow", "deny")


async def authorize(request: HttpRequest, platform: Platform) -> HttpResponse:
    """Return the consent page, or after a decision the redirect to the client with a code or an error.

    400 with a page, and never a redirect, for an unknown client or an address that it has not registered.
    """
    if request.method not in {"GET", "POST"}:
        return HttpResponseNotAllowed(["GET", "POST"])
    if request.GET.get("client_id") != platform.client_id:
        return refusal_page(platform, "The application that sent you here is not registered.")
    if not is_registered(request.GET.get("redirect_uri", "")):
        return refusal_page(platform, "The application asks to be answered at an address that it has not registered.")
    server = server_for(platform, request)
    asked = Request(request, request.GET, platform.scope_separator)
    try:
        grant = server.get_consent_grant(asked)
    except OAuth2Error as error:
        return _refused(server, asked, error)
    if request.method == "GET":
        return _question(request, platform, scope=asked.scope, redirect_uri=grant.redirect_uri)
    return _decided(request, server, grant)


def _refused(server: Server, asked: Request, error: OAuth2Error) -> HttpResponse:
    """Tell the client what is wrong with its request, or the person if even that would be unsafe."""
    if not error.redirect_uri:
        return refusal_page(server.platform, "The application asks twice for the same thing.")
    answer: Answer = server.handle_error_response(asked, error)
    server.issuer.add_issuer_parameter(server, answer)
    return answer.as_response()


def _question(request: HttpRequest, platform: Platform, *, scope: str, redirect_uri: str) -> HttpResponse:
    browser = browser_of(request)
    form = form_token(request, browser)
    response = consent_page(platform, scope=scope, redirect_uri=redirect_uri, form=form)
    remember(response, browser)
    return response


def _decided(request: HttpRequest, server: Server, grant: CodeGrant) -> HttpResponse:
    if not is_own_form(request):
        return refusal_page(server.platform, "This form is too old, or was not opened in this browser.", status=403)
    account = ACCOUNTS.get(request.POST.get("account", DEFAULT_ACCOUNT))
    decision = request.POST.get("decision")
    if account is None or decision not in DECISIONS:
        return refusal_page(server.platform, "The form says neither yes nor no, or names nobody known here.")
    user = account if decision == "allow" else None
    answer: Answer = server.create_authorization_response(grant.request, grant_user=user, grant=grant)
    return answer.as_response()
