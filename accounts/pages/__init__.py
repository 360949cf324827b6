"""The account in the browser: forms and lists that work without JavaScript."""
