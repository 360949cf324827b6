"""The data APIs: tokens, scopes, quotas, and pages that hold each item once."""

from __future__ import annotations

import pytest

from tests.integration.sandbox.platforms import PROFILES, SLUGS, PlatformClient

ACCOUNTS = ("ada", "grace", "linus", "margaret")


@pytest.fixture(params=SLUGS)
def platform(client, request):
    """Return the client of each platform."""
    return PlatformClient(client, request.param)


@pytest.fixture
def at(client):
    """Return the client of the platform named."""
    return lambda slug: PlatformClient(client, slug)


def plays(platform, token, size):
    """Walk through Tunebox's pages."""
    before, pages = "", 0
    while pages == 0 or before:
        body = platform.items(token, limit=size, **({"before": before} if before else {})).json()
        yield from ((item["id"], item["played_at"]) for item in body["items"])
        before, pages = body["cursors"]["before"], pages + 1


def events(platform, token, size):
    """Walk through Daybook's pages."""
    more: dict[str, str] = {}
    while True:
        body = platform.items(token, maxResults=size, **more).json()
        yield from ((item["id"], item["start"]["dateTime"]) for item in body["items"])
        if "nextPageToken" not in body:
            return
        more = {"pageToken": body["nextPageToken"]}


def repositories(platform, token, size):
    """Walk through Codeyard's pages."""
    page = 1
    while found := platform.items(token, per_page=size, page=page).json():
        yield from ((item["id"], item["pushed_at"]) for item in found)
        page += 1


def messages(platform, token, size):
    """Walk through Chirper's pages."""
    more: dict[str, str] = {}
    while True:
        body = platform.items(token, limit=size, **more).json()
        yield from ((item["id"], item["sent_at"]) for item in body["messages"])
        if body["next_cursor"] is None:
            return
        more = {"cursor": body["next_cursor"]}


WALKS = {"tunebox": plays, "daybook": events, "codeyard": repositories, "chirper": messages}


@pytest.mark.parametrize("account", ACCOUNTS)
def test_pages_of_any_size_hold_each_item_once_and_in_order(platform, account):
    """Some hundred, each at its own time; the pages end."""
    token = platform.tokens(account=account)["access_token"]
    walk = WALKS[platform.slug]
    found = list(walk(platform, token, 50))
    assert 180 <= len(found) <= 420
    assert len({item for item, _ in found}) == len(found)
    times = [time for _, time in found]
    assert times == sorted(times, reverse=platform.slug != "daybook")
    assert list(walk(platform, token, 37)) == found


@pytest.mark.parametrize(
    ("slug", "query"),
    [
        ("tunebox", {"limit": 0}),
        ("tunebox", {"limit": 51}),
        ("tunebox", {"limit": "x"}),
        ("tunebox", {"before": "yesterday"}),
        ("daybook", {"maxResults": 251}),
        ("daybook", {"pageToken": "nonsense"}),
        ("daybook", {"pageToken": "\u00e9"}),
        ("chirper", {"limit": 101}),
        ("chirper", {"cursor": "aXRlbTotMQ"}),
        ("chirper", {"cursor": "A"}),
    ],
)
def test_pages_that_make_no_sense_are_refused(at, slug, query):
    """400, in the platform's form and within the quota."""
    response = at(slug).items(at(slug).tokens()["access_token"], **query)
    assert response.status_code == 400
    assert isinstance(response.json()["error"], dict | str)
    assert "x-ratelimit-remaining" in response.headers


@pytest.mark.parametrize("query", [{"per_page": 0}, {"per_page": 1000}, {"page": "x"}, {"page": -1}])
def test_codeyard_takes_the_nearest_that_makes_sense(at, query):
    """As GitHub."""
    response = at("codeyard").items(at("codeyard").tokens()["access_token"], **query)
    assert response.status_code == 200
    assert 0 < len(response.json()) <= 100


@pytest.mark.parametrize("header", [None, "Bearer", "Basic abc", "Bearer of nobody"])
def test_a_bad_token_is_challenged(platform, client, header):
    """401 with WWW-Authenticate, which names an error only if there was a token (RFC 6750, 3.1)."""
    path = f"/platforms/{platform.slug}/{PROFILES[platform.slug]}"
    response = client.get(path, headers={} if header is None else {"Authorization": header})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer realm=")
    assert ("invalid_token" in response.headers["www-authenticate"]) == (header == "Bearer of nobody")
    assert "nobody" not in response.text


def test_a_token_of_another_platform_is_unknown(platform, at):
    """Tokens are bound to who issued them."""
    other = at("tunebox" if platform.slug != "tunebox" else "chirper")
    assert platform.profile(other.tokens()["access_token"]).status_code == 401


def test_data_needs_its_scope(at):
    """403 names it; the profile needs none."""
    token = at("tunebox").tokens(scope="user-read-private")["access_token"]
    assert at("tunebox").profile(token).status_code == 200
    response = at("tunebox").items(token)
    assert response.status_code == 403
    assert 'scope="user-read-recently-played"' in response.headers["www-authenticate"]


class TestQuota:
    """Calls of one account on one platform in a minute."""

    def test_each_answer_tells_what_is_left(self, platform):
        """Of 600, unless told otherwise; profile and data count alike."""
        token = platform.tokens(account="linus")["access_token"]
        first, second = platform.profile(token), platform.items(token)
        assert first.headers["x-ratelimit-limit"] == "600"
        assert first.headers["x-ratelimit-remaining"] == "599"
        assert second.headers["x-ratelimit-remaining"] == "598"
        assert first.headers["x-ratelimit-reset"] == second.headers["x-ratelimit-reset"]

    def test_a_used_up_quota_is_429_with_the_wait(self, platform, client):
        """And no data."""
        token = platform.tokens()["access_token"]
        client.post("/_control/oauth", json={"quota": 2}).raise_for_status()
        assert [platform.items(token).status_code for _ in range(3)] == [200, 200, 429]
        response = platform.items(token)
        assert 1 <= int(response.headers["retry-after"]) <= 60
        assert response.headers["x-ratelimit-limit"] == "2"
        assert response.headers["x-ratelimit-remaining"] == "0"
        assert set(response.json()) <= {"error", "error_description", "message", "status"}

    def test_it_is_the_accounts_whatever_the_token(self, at, client):
        """Another consent of the same account has no quota of its own; another account has."""
        platform = at("chirper")
        one, again, other = (platform.tokens(account=name)["access_token"] for name in ("ada", "ada", "grace"))
        client.post("/_control/oauth", json={"quota": 1}).raise_for_status()
        assert platform.profile(one).status_code == 200
        assert platform.profile(again).status_code == 429
        assert platform.profile(other).status_code == 200
        assert at("tunebox").profile(at("tunebox").tokens()["access_token"]).status_code == 200
