"""The auras' routes of the API."""
