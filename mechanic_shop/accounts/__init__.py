"""Users that log in by e-mail, their roles, tokens and passwords."""
