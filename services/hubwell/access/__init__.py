"""Authentication and accounts: passwords, roles, sessions, service tokens, one-time codes, OpenID Connect."""
