"""What a worker does with a job: page after page, until it is completed, has to wait, or fails."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, replace
from uuid import UUID

from django.views.decorators.debug import sensitive_variables

from cache_platform.exceptions import SourceError, SourceMalformed, SourceRateLimited, SourceRefused
from cache_platform.http import Answer
from connectors import access, platform_api
from connectors.access import NeedsReauth, NotConnected
from connectors.definitions import DataApi, Provider
from connectors.extraction import leases, quota
from connectors.extraction.leases import LeaseLost
from connectors.extraction.pages import MOST_ITEMS, Page, page_params, read_page
from connectors.models import ExtractionJob
from connectors.providers import UnknownProvider, get_provider

logger = logging.getLogger(__name__)

MOST_PAGES = 400
MOST_ATTEMPTS = 8
"""Failures in a row of one page, after which the job fails."""
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 300.0
"""Seconds before a page is tried again; doubled from the first to the longest."""
TURN = 10.0
"""Seconds after which a job goes to the end of the queue, so that others' jobs and the beat's tasks have their turn."""
UNAUTHORIZED = 401


def run(job_id: UUID) -> None:
    """Work at a job, if it is due. Safe to call twice and side by side: all but one find nothing to do."""
    job = leases.claim(job_id)
    if job is None:
        return
    try:
        _work(job)
    except LeaseLost:
        logger.info("extraction %s is somebody else's now, or was ended", job.pk)


def _work(job: ExtractionJob) -> None:
    if job.attempts >= MOST_ATTEMPTS:  # each of its workers was killed, or fell over its page
        leases.fail(job, "crashed")
        return
    try:
        provider = get_provider(job.provider)
    except UnknownProvider:
        provider = None
    if provider is None or provider.data is None:
        leases.fail(job, "not_offered")
        return
    extraction = Extraction(job, provider, provider.data)
    until = time.monotonic() + TURN
    while extraction.step():
        if time.monotonic() >= until:
            leases.put_off(job, seconds=0, attempts=0)
            return


@dataclass(slots=True)
class Extraction:
    """One worker at one job, which it has the lease of."""

    job: ExtractionJob
    provider: Provider
    data: DataApi
    _seen: set[str] = field(default_factory=set)
    """Cursors that were used: a platform that sends one again would be read in a circle."""

    def step(self) -> bool:
        """Extract one page; whether there is another one to be had now. Raises LeaseLost."""
        now = time.time()
        until = quota.used_up_until(self.job.connection_id, now=now)
        if until is not None:
            leases.put_off(self.job, seconds=until - now, attempts=self.job.attempts)
            return False
        try:
            page = self._page()
        except NeedsReauth:
            leases.fail(self.job, "needs_reauth")
        except NotConnected:
            leases.fail(self.job, "not_connected")
        except SourceError as error:
            self._try_later(error)
        else:
            return self._store(page)
        return False

    def _page(self) -> Page:
        answer = self._answer()
        body = platform_api.json_of(self.provider, answer)
        return read_page(self.provider, self.data, body, cursor=self.job.cursor)

    @sensitive_variables()
    def _answer(self) -> Answer:
        """The platform's answer, with its status 200; a token that it does not accept is renewed once."""
        token = access.access_token(self.job.connection_id)
        answer = self._asked(token)
        if answer.status == UNAUTHORIZED:
            access.refused(self.job.connection_id, token)
            answer = self._asked(access.access_token(self.job.connection_id))
        if answer.status != 200:
            raise SourceRefused(self.provider.name, f"HTTP {answer.status}")
        return answer

    @sensitive_variables()
    def _asked(self, token: str) -> Answer:
        answer = platform_api.ask(self.provider, self.data.url, token, page_params(self.data, self.job.cursor))
        now = time.time()
        said = quota.note(self.job.connection_id, answer, now=now)
        if answer.status == platform_api.USED_UP:
            wait = None if said is None else said.resets_at - now
            raise SourceRateLimited(self.provider.name, "the quota is used up", retry_after=wait)
        return answer

    def _store(self, page: Page) -> bool:
        self._seen.add(self.job.cursor)
        if page.next_cursor in self._seen:
            leases.fail(self.job, "malformed")
            return False
        leases.store(self.job, self._bounded(page), kind=self.data.kind)
        return bool(self.job.cursor)

    def _bounded(self, page: Page) -> Page:
        """The page as it still fits into the job; the last one that does is the last."""
        left = MOST_ITEMS - self.job.items_done
        if len(page.items) < left and self.job.pages_done + 1 < MOST_PAGES:
            return page
        return replace(page, items=page.items[:left], next_cursor=None)

    def _try_later(self, error: SourceError) -> None:
        attempts = self.job.attempts + 1
        logger.info("extraction %s, page %d, attempt %d: %s", self.job.pk, self.job.pages_done + 1, attempts, error)
        if attempts >= MOST_ATTEMPTS:
            leases.fail(self.job, problem_of(error))
            return
        pause = min(FIRST_PAUSE * 2 ** (attempts - 1), LONGEST_PAUSE)
        leases.put_off(self.job, seconds=max(pause, error.retry_after or 0.0), attempts=attempts)


def problem_of(error: SourceError) -> str:
    """What went wrong at the platform, as a word for programs."""
    words = {SourceMalformed: "malformed", SourceRefused: "refused", SourceRateLimited: "rate_limited"}
    return words.get(type(error), "unavailable")
