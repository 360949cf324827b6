"""The assistant: personas, what people talk about with it, and the documents that they give it."""
