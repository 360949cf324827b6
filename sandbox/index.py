"""The front page: what this is and where to ask."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from sandbox.replies import json_reply

PAGE = """\
sandbox: local stand-ins for outside providers. Everything here is made up.

Open-Meteo
  GET  /v1/forecast?latitude=52.52&longitude=13.41&current=temperature_2m,weather_code
NewsAPI v2 (any X-Api-Key; "invalid" is refused)
  GET  /v2/top-headlines?country=us&category=technology&q=&pageSize=20&page=1
  GET  /v2/everything?q=climate
GNews v4 (any apikey; "invalid" is refused, "exhausted" is over its quota)
  GET  /api/v4/top-headlines?category=general&country=us&max=10&apikey=demo
Hacker News
  GET  /v0/topstories.json  /v0/newstories.json  /v0/beststories.json
  GET  /v0/item/<id>.json
OpenAI chat completions (any key; "invalid" is refused)
  POST /v1/chat/completions   {"model": "sandbox", "messages": [{"role": "user", "content": ""}], "stream": false}
OAuth 2.0 for the platforms tunebox, daybook, codeyard and chirper; each knows one client, whose id is
cache-platform-<platform> and whose secret is sandbox-secret-<platform>. PKCE with S256 is required.
  GET  /oauth/<platform>/authorize?response_type=code&client_id=&redirect_uri=&scope=&state=
       &code_challenge=&code_challenge_method=S256
  POST /oauth/<platform>/token      grant_type=authorization_code or refresh_token (not codeyard)
  POST /oauth/<platform>/revoke     daybook and chirper
  DELETE /oauth/codeyard/applications/<client_id>/token   {"access_token": ""}
Their data, for Authorization: Bearer <access token>
  GET  /platforms/tunebox/v1/me   /platforms/tunebox/v1/me/player/recently-played?limit=50&before=
  GET  /platforms/daybook/oauth2/v3/userinfo
       /platforms/daybook/calendar/v3/calendars/primary/events?maxResults=50&pageToken=
  GET  /platforms/codeyard/user   /platforms/codeyard/user/repos?per_page=50&page=1
  GET  /platforms/chirper/api/me  /platforms/chirper/api/messages?limit=50&cursor=
Control
  GET  /_control/calls    requests since the last reset, by service
  POST /_control/reset    counts to zero, faults and settings away
  GET  /_control/faults   what is set
  POST /_control/faults   {"service": "weather|news|oauth|platform|chat",
                           "mode": "off|error|slow|timeout|malformed|rate_limited|huge|cut",
                           "delay_ms": 3000, "rate": 1}
  GET  /_control/oauth    settings, and how many codes and tokens are live
  POST /_control/oauth    {"expires_in": null, "refuse_refresh": false, "quota": null,
                           "expire_all": false, "revoke_all": false}, each optional

Control takes application/json, and nothing from web pages of other origins.
SANDBOX_DELAYS=off answers without the delays of the real services.
Codes and tokens are forgotten when the sandbox ends, unless it is started with --state FOLDER.
"""


async def index(_request: HttpRequest) -> HttpResponse:
    """Return the list of routes as plain text."""
    return HttpResponse(PAGE, content_type="text/plain; charset=utf-8")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    """Return 404 as JSON for a path that no provider has."""
    return json_reply({"error": f"no provider answers {request.path}; GET / lists the routes"}, status=404)
