"""Addresses to redirect to after a login: only those of this site."""

from urllib.parse import urlsplit


def host_of(address: str) -> str:
    """Return the host and port of an address in lower case; empty if it is not a valid address."""
    try:
        return urlsplit(address).netloc.lower()
    except ValueError:
        return ""


def local_address(address: str) -> str:
    """Return the address if it is a path on this site, otherwise ``/``, the board."""
    plain = address.isprintable() and "\\" not in address and address == address.strip()
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"
