"""What the operator commands are made of."""
