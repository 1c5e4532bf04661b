"""Who may come in: users that log in by e-mail, their roles, tokens and passwords."""
