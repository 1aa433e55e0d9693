"""OpenID Connect: the client, its login state, ID tokens and the accounts they are linked to."""
