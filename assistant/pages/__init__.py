"""The assistant in a browser: the chat, the personas and the documents."""
