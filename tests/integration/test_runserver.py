"""`manage.py runserver` alone: no Redis, no PostgreSQL, the sandbox as a child."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path

import httpx
import pytest

from config.services.ports import free_port
from config.services.process import Process
from config.services.service import Service
from tests.services.site import base_environment
from tests.services.waiting import wait_until


@pytest.mark.parametrize(
    "reload", [pytest.param(True, id="reloading", marks=pytest.mark.long), pytest.param(False, id="noreload")]
)
def test_the_site_alone(tmp_path: Path, reload: bool) -> None:
    """It says what stands in for what, serves a provider's data from the cache, and takes the sandbox along."""
    port, lines = free_port(), []
    arguments = ["manage.py", "runserver", f"127.0.0.1:{port}", *([] if reload else ["--noreload"])]
    environment = base_environment(tmp_path, SANDBOX_DELAYS="off")
    service = Service(name="runserver", argv=(sys.executable, *arguments), environment=environment)
    with Process(service, on_line=lines.append) as server, httpx.Client(trust_env=False, verify=False) as client:
        wait_until(
            lambda: server.ended or any("Quit the server" in line for line in lines), what="it serves", timeout=60
        )
        url = f"http://127.0.0.1:{port}/api/weather/current?lat=1&lon=2"
        wait_until(lambda: _answers(client, url), what="it answers")
        assert client.get(url).json()["cached"] is True
        text = "\n".join(lines)
        assert "no REDIS_URL: entries live in this process's memory" in text
        assert "no DATABASE_URL: SQLite at" in text
        sandbox = re.search(r"sandbox (http://\S+)", text)
        assert sandbox is not None
        assert client.get(f"{sandbox[1]}/_control/calls").json()["weather"] == 1
        os.kill(server.program(), signal.SIGKILL)
        assert server.wait(20)
        wait_until(lambda: not _answers(client, f"{sandbox[1]}/_control/calls"), what="the sandbox is gone")


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False
