"""The operator commands, as somebody runs them."""
