"""Web pages in a browser on this machine must not reach the sandbox, neither by its address nor by a name of theirs."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

FAULT = b'{"service": "weather", "mode": "error"}'
JSON = {"Content-Type": "application/json"}


def check_nothing_changed(client):
    """Return only when no fault is set."""
    assert client.get("/_control/faults").json()["weather"]["mode"] == "off"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
def test_control_takes_only_json(client, kind):
    """The other types are those that browsers send to foreign origins without asking first."""
    response = client.post("/_control/faults", content=FAULT, headers={"Content-Type": kind} if kind else {})
    assert response.status_code == 415
    check_nothing_changed(client)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_written_in_any_way(client, kind):
    """Media types are case-insensitive and may have parameters."""
    assert client.post("/_control/faults", content=FAULT, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("path", ["/_control/faults", "/_control/reset"])
@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1", "http://localhost:1", "null", ""])
def test_pages_of_other_origins_control_nothing(client, origin, path):
    """Each browser names the origin of a page that posts."""
    client.get("/v1/forecast?latitude=1&longitude=1")
    response = client.post(path, content=FAULT, headers={**JSON, "Origin": origin})
    assert response.status_code == 403
    assert client.get("/_control/calls").json()["weather"] == 1
    check_nothing_changed(client)


def test_the_sandbox_itself_is_no_other_origin(client, address):
    """Its own address, and no address at all, as curl does."""
    assert client.post("/_control/faults", content=FAULT, headers={**JSON, "Origin": address}).status_code == 200
    assert client.post("/_control/reset").status_code == 200
    check_nothing_changed(client)


@pytest.mark.parametrize("host", ["evil.example", "sandbox", "127.0.0.1.evil.example", "localhost.evil.example"])
def test_names_that_others_made_lead_here_are_refused(client, host):
    """A page could else read the sandbox as if it were of its own origin."""
    own = {"Host": host, "Origin": f"http://{host}"}
    assert client.post("/_control/faults", content=FAULT, headers={**JSON, **own}).status_code == 400
    assert client.get("/v1/forecast?latitude=1&longitude=1", headers={"Host": host}).status_code == 400
    assert client.get("/_control/calls").json()["weather"] == 0
    check_nothing_changed(client)


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_every_name_of_this_machine_is_good(client, address, name):
    """With the port, as browsers and curl write it."""
    host = f"{name}:{urlsplit(address).port}"
    assert client.get("/_control/calls", headers={"Host": host}).status_code == 200
