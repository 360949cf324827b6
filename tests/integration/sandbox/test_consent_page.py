"""The consent page in a real browser: its style, and the way back, which browsers hold against the page's policy."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.integration.sandbox.platforms import PlatformClient, parameters

pytestmark = pytest.mark.system


class Callback(BaseHTTPRequestHandler):
    """The client's side: says that it was reached."""

    def do_GET(self) -> None:
        """Answer anything."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>back</title>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def client_at(host: str) -> Iterator[str]:
    """A client that listens on a loopback address; yields its redirect address."""

    class Listening(HTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    with Listening((host, 0), Callback) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{server.server_address[1]}/api/connectors/callback"
        server.shutdown()
        thread.join()


@contextmanager
def page_of(chromium, address, **options):
    """Open the page; yield it and what the browser complained about."""
    context = chromium.new_context(**options)
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.goto(address)
    yield page, said
    context.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("button", "name"), [("Allow", "code"), ("Deny", "error")])
def test_a_person_decides_and_is_led_back(chromium, client, host, button, name):
    """Without JavaScript; the policy lets the redirect after the form through."""
    platform = PlatformClient(client, "tunebox")
    with client_at(host) as redirect_uri:
        address = f"{platform.url('authorize')}?{platform.query(redirect_uri=redirect_uri)}"
        with page_of(chromium, address, java_script_enabled=False) as (page, said):
            page.get_by_label("Grace Okafor").check()
            page.get_by_role("button", name=button).click()
            page.wait_for_url(f"{redirect_uri}?**")
            assert name in parameters(page.url)
            assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_has_its_style_and_fits(chromium, client, scheme, width):
    """The policy admits the style sheet, and nothing is wider than a phone."""
    platform = PlatformClient(client, "daybook")
    address = f"{platform.url('authorize')}?{platform.query(scope='openid email profile calendar.readonly')}"
    with page_of(chromium, address, color_scheme=scheme, viewport={"width": width, "height": 800}) as (page, said):
        assert said == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        allow = page.get_by_role("button", name="Allow")
        assert allow.evaluate("button => getComputedStyle(button).borderRadius") == "14px"
        assert page.get_by_role("radio").count() == 4
        assert page.get_by_role("listitem").count() == 4


def test_another_account_is_chosen_by_keyboard(chromium, client):
    """Arrow keys, tab and enter suffice."""
    platform = PlatformClient(client, "chirper")
    with client_at("127.0.0.1") as redirect_uri:
        address = f"{platform.url('authorize')}?{platform.query(redirect_uri=redirect_uri)}"
        with page_of(chromium, address) as (page, _):
            page.keyboard.press("Tab")
            page.keyboard.press("ArrowDown")
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Allow"
            page.keyboard.press("Enter")
            page.wait_for_url(f"{redirect_uri}?**")
            code = parameters(page.url)["code"]
        token = platform.redeem(code, redirect_uri=redirect_uri).json()["access_token"]
    assert platform.profile(token).json()["name"] == "Grace Okafor"
