"""What clients ask directly: `POST /oauth/<platform>/token`, and taking tokens back."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from django.http import HttpRequest, HttpResponse, QueryDict

from sandbox.oauth.access import server_for
from sandbox.oauth.definitions import Platform
from sandbox.oauth.messages import Answer, Request
from sandbox.oauth.server import Server
from sandbox.providers import Provider, provided_by
from sandbox.replies import Endless, html_reply, json_reply

RETRY_AFTER = 30
GITHUB_ERRORS = {
    "invalid_grant": ("bad_verification_code", "The code passed is incorrect or expired."),
    "invalid_client": ("incorrect_client_credentials", "The client_id and/or client_secret passed are incorrect."),
}

OAUTH = Provider(
    service="oauth",
    broken=lambda: json_reply({"error": "server_error"}, status=500),
    rate_limited=lambda: json_reply({"error": "slow_down"}, status=429, headers={"Retry-After": str(RETRY_AFTER)}),
    huge=Endless(head='{"access_token":"', item="A" * 64, tail='"}'),
    malformed=html_reply,
)


@provided_by(OAUTH, methods=("POST",))
async def token(request: HttpRequest, platform: Platform) -> HttpResponse:
    """Return tokens for a code or a refresh token, or an error of RFC 6749, 5.2."""
    server = server_for(platform, request)
    with server.store.transaction():
        answer = _answer(server, request, "token")
    return _like_github(answer, request) if platform.answers_like_github else answer.as_response()


@provided_by(OAUTH, methods=("POST",))
async def revoke(request: HttpRequest, platform: Platform) -> HttpResponse:
    """Take a token back and return 200, also if there is none (RFC 7009, 2.2)."""
    server = server_for(platform, request)
    with server.store.transaction():
        return _answer(server, request, "revocation").as_response()


@provided_by(OAUTH, methods=("DELETE",))
async def delete_token(request: HttpRequest, platform: Platform, client_id: str) -> HttpResponse:
    """Take an access token back as GitHub does: 204; 401, 404 or 422 with a message."""
    server = server_for(platform, request)
    try:
        server.authenticate_client(Request(request, QueryDict(), " "), ["client_secret_basic"])
    except OAuth2Error:
        return json_reply({"message": "Bad credentials"}, status=401, headers={"WWW-Authenticate": "Basic"})
    given = _access_token(request.body)
    if given is None:
        return json_reply({"message": "Validation Failed"}, status=422)
    found = server.store.find_token(platform.slug, given, "access")
    if client_id != platform.client_id or found is None or not found.is_live(server.now):
        return json_reply({"message": "Not Found"}, status=404)
    server.store.revoke_family(found.grant.family)
    return HttpResponse(status=204)


def _answer(server: Server, request: HttpRequest, endpoint: str) -> Answer:
    asked = Request(request, request.POST, server.platform.scope_separator)
    repeated = [name for name, values in asked.payload.datalist.items() if len(values) > 1]
    if repeated or (endpoint == "token" and not asked.payload.grant_type):  # Authlib looks at neither
        why = "A parameter is repeated." if repeated else "Missing 'grant_type' in request."
        refused: Answer = server.handle_error_response(asked, InvalidRequestError(why))
        return refused
    if endpoint == "token":
        answer: Answer = server.create_token_response(asked)
    else:
        answer = server.create_endpoint_response(endpoint, asked)
    return answer


def _like_github(answer: Answer, request: HttpRequest) -> HttpResponse:
    """Return the answer with status 200, and as a form unless JSON is asked for."""
    payload = answer.payload
    if "error" in payload:
        error, description = GITHUB_ERRORS.get(
            str(payload["error"]), (payload["error"], payload.get("error_description", ""))
        )
        payload = {"error": error, "error_description": description}
    elif "scope" in payload:
        payload = payload | {"scope": str(payload["scope"]).replace(" ", ","), "token_type": "bearer"}
    if "application/json" in request.headers.get("Accept", ""):
        response = json_reply(payload)
    else:
        response = HttpResponse(urlencode(payload), content_type="application/x-www-form-urlencoded; charset=utf-8")
    response["Cache-Control"] = "no-store"
    return response


def _access_token(body: bytes) -> str | None:
    try:
        given = json.loads(body)
    except ValueError:
        return None
    found = given.get("access_token") if isinstance(given, dict) else None
    return found if isinstance(found, str) else None
