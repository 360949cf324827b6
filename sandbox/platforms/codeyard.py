"""Codeyard, after GitHub: `GET /user` and `GET /user/repos`.

Wire format: https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user. As there, page
numbers and sizes that make no sense are taken for the nearest that do.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from sandbox.oauth.accounts import ACCOUNTS
from sandbox.oauth.definitions import CODEYARD
from sandbox.platforms.bearer import protected
from sandbox.platforms.items import repositories
from sandbox.platforms.paging import whole
from sandbox.replies import json_reply

MOST = 100
DEFAULT = 30
FIRST_USER = 7_300_000


@protected(CODEYARD)
async def profile(_request: HttpRequest, account: str) -> HttpResponse:
    """Return who the token's account is."""
    about = ACCOUNTS[account]
    return json_reply({"id": FIRST_USER + about.number, "login": account, "name": about.name})


@protected(CODEYARD, scope=CODEYARD.data_scope)
async def repository_list(request: HttpRequest, account: str) -> HttpResponse:
    """Return a page of repositories as an array; one after the last is empty."""
    size = min(whole(request.GET.get("per_page", "")) or DEFAULT, MOST)
    page = whole(request.GET.get("page", "")) or 1
    return json_reply(repositories(account)[(page - 1) * size : page * size])
