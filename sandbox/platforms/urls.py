"""Routes of the platforms' data, below `/platforms/`."""

from __future__ import annotations

from django.urls import path

from sandbox.platforms import chirper, codeyard, daybook, tunebox

urlpatterns = [
    path("tunebox/v1/me", tunebox.profile),
    path("tunebox/v1/me/player/recently-played", tunebox.recently_played),
    path("daybook/oauth2/v3/userinfo", daybook.profile),
    path("daybook/calendar/v3/calendars/primary/events", daybook.calendar),
    path("codeyard/user", codeyard.profile),
    path("codeyard/user/repos", codeyard.repository_list),
    path("chirper/api/me", chirper.profile),
    path("chirper/api/messages", chirper.message_list),
]
