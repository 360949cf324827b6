"""Who flushed what, and who looked for entries by secrets: lines of the logger `cache_platform.audit`, the lasting
record, and for flushes by users Django's history."""

from __future__ import annotations

import getpass
import json
import logging
import os
from typing import TYPE_CHECKING

from django.apps import apps
from django.db import Error, router, transaction

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from cache_platform.flushing import Flushed

logger = logging.getLogger("cache_platform.audit")

LEFT = {"outbox": ", waiting in the outbox", "process": ", known to this process alone", None: ""}


def flushed(done: Flushed, by: AbstractBaseUser | None, where: str, *, failed: bool = False) -> None:
    """One line in the log, and a LogEntry where somebody did it who is a user and Django's admin is installed."""
    who = _operator() if by is None else f"{_named(by)} in {where}"
    did = "failed, or not whole: flushing" if failed else "not taken: flushing" if done.not_taken else "flushed"
    logger.log(
        logging.WARNING if failed or done.not_taken else logging.INFO,
        "%s %s by %s: entries %s, generations %d%s",
        did, done.target, who,
        "not counted" if done.entries is None else done.entries,
        done.generations, LEFT[done.left],
    )  # fmt: skip
    if by is None or not apps.is_installed("django.contrib.admin"):
        return
    try:
        _log_entry(done, by, where, failed=failed or done.not_taken)
    except Error:  # the line above says what happened
        logger.exception("flushing %s by %s: the database did not take the log entry", done.target, who)


def looked_up(policy_name: str, by: AbstractBaseUser) -> None:
    """A line: somebody looks for an entry by its secret parameters."""
    logger.info("looked for an entry of %s, by its secret parameters: %s", policy_name, _named(by))


def _named(user: AbstractBaseUser) -> str:
    return f"user {user.pk} ({user.get_username()!r})"


def _operator() -> str:
    """Whose process a command runs in, as far as its environment says."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError):  # a number without a name
        name = str(os.getuid())
    by = os.environ.get("SUDO_USER")
    return f"a command of {name!r}" + (f" (sudo by {by!r})" if by else "")


def _log_entry(done: Flushed, by: AbstractBaseUser, where: str, *, failed: bool) -> None:
    from django.contrib.admin.models import DELETION, LogEntry
    from django.contrib.contenttypes.models import ContentType

    from cache_platform.models import Cache

    said = {"name": "cache entries", "object": str(done.target), "where": where}
    amounts = {"entries": done.entries, "generations": done.generations}
    became = {"waiting": done.waiting and not failed, "failed": failed}
    with transaction.atomic(using=router.db_for_write(LogEntry)):  # the caller's transaction goes on if this fails
        LogEntry.objects.create(
            user_id=by.pk,
            content_type=ContentType.objects.get_for_model(Cache, for_concrete_model=False),
            object_repr=str(done.target)[:200],
            action_flag=DELETION,
            change_message=json.dumps([{"deleted": said | amounts | became}]),  # as Django's own, which it can show
        )
