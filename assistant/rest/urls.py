"""The assistant's routes of the API, to be included at the site's root.

`preference` comes before the numbers of personas, and is none.
"""

from django.urls import path

from assistant.rest.chat import ChatView
from assistant.rest.conversations import ConversationsView, ConversationView, MessagesView
from assistant.rest.documents import DocumentsView, DocumentView
from assistant.rest.personas import PersonasView, PersonaView
from assistant.rest.preferences import PreferenceView
from assistant.rest.stats import StatsView

urlpatterns = [
    path("api/personas", PersonasView.as_view(), name="personas"),
    path("api/personas/preference", PreferenceView.as_view(), name="persona-preference"),
    path("api/personas/<int:persona_id>", PersonaView.as_view(), name="persona"),
    path("api/chat", ChatView.as_view(), name="chat"),
    path("api/conversations", ConversationsView.as_view(), name="conversations"),
    path("api/conversations/<int:conversation_id>", ConversationView.as_view(), name="conversation"),
    path("api/conversations/<int:conversation_id>/messages", MessagesView.as_view(), name="conversation-messages"),
    path("api/documents", DocumentsView.as_view(), name="documents"),
    path("api/documents/<int:document_id>", DocumentView.as_view(), name="document"),
    path("api/stats", StatsView.as_view(), name="assistant-stats"),
]
