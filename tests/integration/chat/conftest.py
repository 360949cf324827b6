"""A site on PostgreSQL, whose database and Redis this process uses too, as one more process of the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections

from accounts.models import User
from assistant.models import Persona
from tests.integration.chat.people import NAME
from tests.integration.connectors.real_databases import Router
from tests.services.fixtures import SiteFactory
from tests.services.redis import RedisUnderTest
from tests.services.site import SiteUnderTest

ChatSite = Callable[..., SiteUnderTest]


@pytest.fixture
def chat_site(
    site: SiteFactory,
    shared_site: SiteFactory,
    postgres_url: str,
    postgres_alias: str,
    redis_cache: RedisUnderTest,
    settings: Any,
    django_db_blocker: Any,
) -> Iterator[ChatSite]:
    """`chat_site(workers=2, **variables)`; nobody asks too often. With `shared`, the
    one that other tests of the module had."""

    def start(*, shared: bool = False, **variables: Any) -> SiteUnderTest:
        return (shared_site if shared else site)(
            **{"DATABASE_URL": postgres_url, "RATE_LIMIT_CHAT": "1000/60s", **variables}
        )

    settings.DATABASE_ROUTERS = [Router(postgres_alias)]
    with django_db_blocker.unblock():
        yield start
        User.objects.filter(username__startswith=NAME).delete()
        Persona.objects.filter(name__startswith=NAME).delete()
        connections[postgres_alias].close()
