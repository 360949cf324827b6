"""Routes of the sandbox: the providers' own paths, and the control panel beside them."""

from __future__ import annotations

from django.urls import include, path

from sandbox import chat, control, gnews, hackernews, index, news, weather
from sandbox.oauth import control as oauth_control

urlpatterns = [
    path("", index.index),
    path("v1/forecast", weather.forecast),
    path("v2/top-headlines", news.top_headlines),
    path("v2/everything", news.everything),
    path("api/v4/top-headlines", gnews.top_headlines),
    path("v1/chat/completions", chat.completions),
    path("v0/topstories.json", hackernews.story_list, {"order": "top"}),
    path("v0/newstories.json", hackernews.story_list, {"order": "new"}),
    path("v0/beststories.json", hackernews.story_list, {"order": "best"}),
    path("v0/item/<int:item_id>.json", hackernews.item),
    path("", include("sandbox.oauth.urls")),
    path("platforms/", include("sandbox.platforms.urls")),
    path("_control/oauth", oauth_control.show_or_set),
    path("_control/calls", control.show_calls),
    path("_control/reset", control.reset),
    path("_control/faults", control.show_or_set_faults),
]
handler404 = "sandbox.index.not_found"
