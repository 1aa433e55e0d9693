"""Passkeys (WebAuthn Level 3): sign-in without a password, by a key that the user's device keeps."""
