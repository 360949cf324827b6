"""The Celery application."""

import os

from celery import Celery
from celery.signals import worker_process_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("config")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_shutdown.connect
def send_counters(**_kwargs: object) -> None:
    """Children of the prefork pool end without Python's own clean-up; what they counted is sent before."""
    from cache_platform.statistics import counters

    counters.send()
