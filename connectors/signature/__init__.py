"""What a user's items say together. The method is in docs/guides/signature.md."""

from connectors.signature.reading import load_signature, read_signature

__all__ = ["load_signature", "read_signature"]
