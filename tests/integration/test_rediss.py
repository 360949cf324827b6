"""Redis over TLS, with Debian's redis-server: the Valkey in the wheel has no TLS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from celery import Celery

from cache_platform import read
from cache_platform.exceptions import StoreUnavailable
from cache_platform.stores import get_store
from cache_platform.stores.connection import get_breaker
from config.services.ports import free_port
from config.services.process import Process
from config.services.service import Service
from tests.conftest import use_redis
from tests.services.fixtures import SiteFactory
from tests.services.waiting import wait_until

pytestmark = pytest.mark.system


@pytest.fixture
def tls_address(tmp_path: Path) -> Iterator[str]:
    """A server that speaks TLS only; its address without the authority that signed it."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    port = free_port()
    options = {
        "port": "0", "tls-port": str(port), "bind": "127.0.0.1", "save": "", "tls-auth-clients": "no",
        "tls-key-file": str(tmp_path / "key.pem"), "tls-cert-file": str(tmp_path / "cert.pem"),
        "tls-ca-cert-file": str(tmp_path / "ca.pem"), "dir": str(tmp_path),
    }  # fmt: skip
    binary = shutil.which("redis-server")
    assert binary is not None, "apt-get install redis-server"
    argv = (binary, *(part for name, value in options.items() for part in (f"--{name}", value)))
    with Process(Service(name="tls", argv=argv, environment={}, folder=tmp_path)) as server:
        wait_until(lambda: any("Ready to accept" in line for line in server.tail), what="the TLS server is up")
        yield f"rediss://localhost:{port}/0"


@pytest.fixture
def trusted(tls_address: str, tmp_path: Path) -> str:
    """The address with the authority that signed the server's certificate."""
    return f"{tls_address}?ssl_ca_certs={tmp_path / 'ca.pem'}"


def test_entries_over_tls(trusted: str, settings: Any, declare: Any) -> None:
    """rediss:// works as redis:// does."""
    use_redis(settings, trusted)
    policy = declare(name="test.tls", params={"id": int})
    assert read(policy, {"id": 1}, lambda id: {"n": 1}).stored
    assert read(policy, {"id": 1}, lambda id: {"n": 2}).cached


def test_a_server_that_nobody_vouches_for_is_not_used(tls_address: str, settings: Any) -> None:
    """A certificate of an unknown authority is a store that is away, not one that is trusted."""
    use_redis(settings, tls_address)
    with pytest.raises(StoreUnavailable, match="certificate"):
        get_store().ping()
    get_breaker("default").reset()


def test_the_site_and_its_broker_over_tls(trusted: str, site: SiteFactory) -> None:
    """The whole site, and Celery, from one REDIS_URL."""
    running = site(workers=1, REDIS_URL=trusted)
    assert running.client.get("/health").json()["redis"] == {"status": "healthy", "connected": True}
    app = Celery(broker=trusted, set_as_current=False)  # tasks stay the site's
    with app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, timeout=5)
