"""The assistant's tables."""

from assistant.models.conversation import Conversation
from assistant.models.document import Document
from assistant.models.message import Message, Role
from assistant.models.persona import Persona
from assistant.models.preference import Preference

__all__ = ["Conversation", "Document", "Message", "Persona", "Preference", "Role"]
