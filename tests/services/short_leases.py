"""The site's settings for worker processes of tests in which a worker is killed: another one takes over soon."""

from tests.services.site_settings import *  # noqa: F403  # all of them

EXTRACTION_LEASE_SECONDS = 2
