"""Identity: users and their roles, passwords, tokens and API keys."""
