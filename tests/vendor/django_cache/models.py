"""
The model of tests/cache/models.py of Django 5.2.19, unchanged but for its app
label; the licence (BSD-3-Clause) is in the file LICENSE beside this one.
"""

from django.db import models
from django.utils import timezone


def expensive_calculation():
    expensive_calculation.num_runs += 1
    return timezone.now()


class Poll(models.Model):
    question = models.CharField(max_length=200)
    answer = models.CharField(max_length=200)
    pub_date = models.DateTimeField("date published", default=expensive_calculation)

    class Meta:
        app_label = "django_cache"
