"""Django's own BaseCacheTests, against CACHES["default"] on a real Valkey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import TestCase, modify_settings, override_settings

from cache_platform.stores.connection import get_breaker
from tests.contracts.django_cache import BACKEND, OPTIONS, close_breaker
from tests.services.redis import RedisUnderTest
from tests.vendor.django_cache.base_cache_tests import BaseCacheTests, caches_setting_for_tests
from tests.vendor.django_cache.models import Poll


@pytest.fixture(scope="module")
def polls(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The table of the one model in Django's suite, whose app is not part of this site."""
    with modify_settings(INSTALLED_APPS={"append": "tests.vendor.django_cache"}):
        with django_db_blocker.unblock(), connection.schema_editor() as editor:
            editor.create_model(Poll)
        yield
        with django_db_blocker.unblock(), connection.schema_editor() as editor:
            editor.delete_model(Poll)


@pytest.fixture(scope="module")
def caches_of_suite(shared_redis: RedisUnderTest) -> Iterator[None]:
    """The caches that Django's suite expects, with our backend."""
    shared_redis.flush()
    with override_settings(
        CACHES=caches_setting_for_tests(BACKEND=BACKEND, LOCATION=shared_redis.url, OPTIONS=OPTIONS)
    ):
        if get_breaker("default").is_open:  # an earlier test with the same server opened it
            close_breaker()
        yield


@pytest.mark.usefixtures("polls", "caches_of_suite")
class TestDjangosOwnSuite(BaseCacheTests, TestCase):
    """Every test that Django runs against each of its own backends, culling aside."""
