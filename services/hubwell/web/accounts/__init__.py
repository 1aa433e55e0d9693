"""Pages of login, accounts and service tokens."""
