"""`make screenshots`: the README's pictures, of this version, from a site that is started for them.

The whole site runs as `make run` has it, on a free port and in a folder of its own. People use it for some minutes, the
providers have a bad moment, and then the pictures are taken. Nothing in them is drawn by hand.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import pty
import random
import re
import signal
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, ViewportSize, expect
from rich.console import Console
from rich.text import Text

from config.environment import BASE_DIR
from config.services.ports import free_port
from tests.browser.signing_in import sign_in
from tests.services.browser import debian_chromium
from tests.services.launcher import READY, SANDBOX, LauncherUnderTest, launcher_environment
from tests.services.site import PASSWORD
from tests.services.waiting import wait_until

FOLDER = BASE_DIR / "docs" / "screenshots"
MOST_BYTES = 300 * 1024
DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
START = 180.0
"""Seconds for the site to start in, on a machine that does much else."""
COLUMNS, LINES = 120, 34
PLACES = [(52.52, 13.41), (48.85, 2.35), (35.69, 139.69), (51.51, -0.13), (40.71, -74.01), (-33.87, 151.21)]
QUESTIONS = ("What is a cache?", "When is a cached answer too old?", "What is a cache?")


def main() -> int:
    """Take all of them; the exit code."""
    parser = argparse.ArgumentParser(description="Take the README's pictures.")
    parser.add_argument("--minutes", type=float, default=4, help="how long the site is used first (4)")
    minutes = parser.parse_args().minutes
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="screenshots-") as folder, running(Path(folder)) as site:
        furnish(site)
        with debian_chromium() as browser:
            connect(browser, site)
            with used(site, minutes * 60):
                take_pages(browser, site)
                take_monitor(site)
    too_large = [path.name for path in FOLDER.iterdir() if path.stat().st_size > MOST_BYTES]
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.relative_to(BASE_DIR)}  {path.stat().st_size // 1024} KiB")
    if too_large:
        print(f"error: more than {MOST_BYTES // 1024} KiB: {', '.join(too_large)}", file=sys.stderr)
    return 1 if too_large else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site that runs: where it is, where its sandbox is, and what its commands need to know."""

    url: str
    sandbox: str
    environment: Mapping[str, str]


@contextmanager
def running(folder: Path) -> Iterator[Site]:
    """The whole of it. Entries are short-lived, so that some minutes show what else takes a day."""
    variables = {
        "DEMO_PASSWORD": PASSWORD,
        "SANDBOX_DELAYS": "on",
        "WORKERS": "2",
        "CACHE_TTL_WEATHER_CURRENT": "20",
        "CACHE_TTL_NEWS_HEADLINES": "30",
        "RATE_LIMIT_SEARCH": "600/60s",
        "RATE_LIMIT_CHAT": "120/60s",
    }
    environment = launcher_environment(folder, port=free_port(), **variables)
    with LauncherUnderTest(environment) as launcher:
        wait_until(lambda: launcher.find(READY), what="the site is ready", timeout=START)
        url = launcher.wait_ready()
        sandbox = launcher.find(SANDBOX)
        assert sandbox is not None
        given = {
            "REDIS_URL": f"unix://{folder}/sockets/redis.sock",
            "DATABASE_URL_FILE": f"{folder}/secrets/given/database_url",
        }
        yield Site(url=url, sandbox=sandbox, environment={**environment, **given})
        launcher.send(signal.SIGTERM)
        launcher.wait_end()


def stranger(site: Site) -> httpx.Client:
    """A program of nobody."""
    return httpx.Client(base_url=site.url, timeout=30, trust_env=False)


def signed_in(site: Site, who: str) -> httpx.Client:
    """A program of that person."""
    client = stranger(site)
    given = client.post("/api/auth/token", json={"username": who, "password": PASSWORD}).raise_for_status().json()
    created = client.post(
        "/api/auth/api-keys",
        json={"name": "screenshots", "scopes": ["read", "write"]},
        headers={"Authorization": f"Bearer {given['access']}"},
    )
    client.headers["X-API-Key"] = created.raise_for_status().json()["data"]["key"]
    return client


def furnish(site: Site) -> None:
    """What ada has made before."""
    with closing(signed_in(site, "ada")) as ada:
        document = {"name": "notes.md", "text": "# Notes\nMilk, bread, stamps."}
        persona = {"name": "Poet", "description": "Answers in rhyme", "system_prompt": "Rhyme."}
        ada.post("/api/documents", json=document).raise_for_status()
        ada.post("/api/personas", json=persona).raise_for_status()
        for question in QUESTIONS:
            ada.post("/api/chat", json={"message": question}).raise_for_status()


def connect(browser: Browser, site: Site) -> None:
    """Ada connects two platforms, and has one read."""
    page = tab(browser, site, who="ada")
    for slug in ("tunebox", "codeyard"):
        page.goto("/connectors/")
        page.locator(f"#platform-{slug}").get_by_role("button", name="Connect").click()
        page.get_by_role("button", name="Allow").click()
        expect(page.locator(f"#platform-{slug}")).to_have_attribute("data-state", "connected")
    page.locator("#platform-tunebox").get_by_role("button", name="Extract").click()
    expect(page.locator("#platform-tunebox")).to_contain_text("Completed", timeout=60_000)
    page.context.close()


@contextmanager
def used(site: Site, seconds: float) -> Iterator[None]:
    """People use the site for so long, and go on while the pictures are taken."""
    ended = threading.Event()
    people = [threading.Thread(target=visit, args=(site, who, ended), daemon=True) for who in ("ada", "grace", "")]
    for each in people:
        each.start()
    try:
        ended.wait(seconds * 0.55)
        fault(site, service="weather", mode="slow", delay_ms=2500)
        ended.wait(min(15.0, seconds * 0.1))
        fault(site, service="weather", mode="off")
        ended.wait(seconds * 0.35)
        yield
    finally:
        ended.set()
        for each in people:
            each.join(30)


def fault(site: Site, **wanted: object) -> None:
    """Have a provider behave like that."""
    httpx.post(f"{site.sandbox}/_control/faults", json=wanted, trust_env=False).raise_for_status()


def visit(site: Site, who: str, ended: threading.Event) -> None:
    """One visitor, who looks here and there, some things more often than others; now livelier, now less."""
    choose = random.Random(who)
    public = [f"/api/weather/current?lat={lat}&lon={lon}" for lat, lon in PLACES]
    public += [f"/api/weather/forecast?lat={lat}&lon={lon}" for lat, lon in PLACES[:3]]
    public += ["/api/news", "/api/news?category=science", "/api/news?q=bridge"]
    own = ["/api/profile", "/api/subscription", "/api/personas", "/api/conversations", "/api/documents", "/api/auras"]
    addresses = public + (own if who else ["/"])
    weights = [1 / (number + 1) ** 0.6 for number in range(len(addresses))]
    with closing(signed_in(site, who) if who else stranger(site)) as client:
        while not ended.is_set():
            client.get(choose.choices(addresses, weights)[0])
            if who and choose.random() < 0.004:
                client.patch("/api/profile", json={"display_name": f"{who.title()} {choose.randrange(100)}"})
            if who and choose.random() < 0.003:
                client.post("/api/chat", json={"message": choose.choice(QUESTIONS)})
            ended.wait(choose.uniform(0.05, 0.25) * (1.6 + math.sin(time.time() / 25)))


def tab(browser: Browser, site: Site, *, who: str, scheme: str = "light", size: ViewportSize = DESK) -> Page:
    """A tab of somebody who is signed in."""
    scale = 2 if size is PHONE else 1
    context = browser.new_context(
        base_url=site.url, viewport=size, color_scheme=scheme, reduced_motion="reduce", device_scale_factor=scale
    )
    context.set_default_timeout(30_000)
    page = context.new_page()
    sign_in(page, site.url, who)
    return page


def take_pages(browser: Browser, site: Site) -> None:
    """The pages, as they are at this moment."""
    shots: list[tuple[str, str, str, str, ViewportSize]] = [
        ("dashboard", "ada", "/", "light", {"width": 1280, "height": 1120}),
        ("dashboard-dark", "ada", "/?place=1850147", "dark", {"width": 1280, "height": 1120}),
        ("phone", "ada", "/?place=2950159", "light", PHONE),
        ("assistant", "ada", "/assistant/", "light", DESK),
        ("cache", "admin", "/admin/cache/?window=5m", "light", {"width": 1440, "height": 1080}),
        ("policy", "admin", "/admin/cache/weather.current/?window=5m", "dark", {"width": 1280, "height": 1000}),
        ("api-docs", "admin", "/api/docs", "light", DESK),
    ]
    for name, who, address, scheme, size in shots:
        page = tab(browser, site, who=who, scheme=scheme, size=size)
        page.goto(address)
        if name == "assistant":
            page.locator(".talks ol a").first.click()
        page.wait_for_load_state("networkidle")
        page.screenshot(path=FOLDER / f"{name}.png", animations="disabled")
        page.context.close()


def take_monitor(site: Site) -> None:
    """The monitor's last screen, as its terminal had it, drawn by Rich."""
    ours, its = pty.openpty()
    termios.tcsetwinsize(its, (LINES, COLUMNS))
    command = [sys.executable, "manage.py", "cache_monitor", "--interval", "1", "--count", "12"]
    environment = {**site.environment, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
    process = subprocess.Popen(command, cwd=BASE_DIR, env=environment, stdin=its, stdout=its, stderr=its)
    os.close(its)
    said = b"".join(iter(lambda: _read(ours), b"")).decode()
    assert process.wait(30) == 0, said
    last = said.rpartition("\x1b[?1049l")[2]
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(re.sub(r"\x1b\[\?\d+[hl]", "", last).replace("\r", "").strip("\n")))
    svg = console.export_svg(title="manage.py cache_monitor")
    # The typeface would come from elsewhere; the terminal's own does as well.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (FOLDER / "cache_monitor.svg").write_text(svg)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # it was closed at the other end
        return b""


if __name__ == "__main__":
    sys.exit(main())
