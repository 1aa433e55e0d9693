"""The relying party of this hub, from its public address alone: name and origin that passkeys belong to."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit

from hubwell.settings import Settings

_LOCAL: Final = "localhost"
NoPasskeys = Literal["no-address", "no-name", "no-https"]
"""Why there can be no passkeys: no public address is set, it is a number, or browsers do not trust it."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Identifier, name and origin, as browsers compare them."""

    id: str
    name: str
    origin: str


def relying_party(settings: Settings) -> RelyingParty | NoPasskeys:
    """Return the hub's relying party, or why it has none. No header of a request is asked."""
    url = urlsplit(str(settings.public_url or ""))
    if not url.hostname:
        return "no-address"
    if _is_number(url.hostname):
        return "no-name"
    if url.scheme != "https" and url.hostname != _LOCAL:
        return "no-https"
    return RelyingParty(url.hostname, settings.hub_name, f"{url.scheme}://{url.netloc}")


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
