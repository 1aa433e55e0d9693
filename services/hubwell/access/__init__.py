"""Who may do what: accounts, roles, sign-in, tokens, and the rule that every route declares."""
