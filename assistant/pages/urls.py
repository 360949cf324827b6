"""The assistant's pages."""

from django.urls import path

from assistant.pages.chat import chat
from assistant.pages.documents import documents
from assistant.pages.personas import persona, personas

app_name = "assistant"
urlpatterns = [
    path("", chat, name="chat"),
    path("<int:conversation_id>/", chat, name="conversation"),
    path("personas/", personas, name="personas"),
    path("personas/<int:persona_id>/", persona, name="persona"),
    path("documents/", documents, name="documents"),
]
