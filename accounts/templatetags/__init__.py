"""What templates of all apps take from the accounts."""
