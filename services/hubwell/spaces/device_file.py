"""The file with which a new device connects: what `hubwell-edge run --config` reads.

A broker whose devices share one account (that of `hubwell up`) has it in its address, and so does the file.
At any other broker a device has an account of its own, whose password the operator gives to the device.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from hubwell.errors import DomainError, refuse_all
from hubwell.spaces import errors
from hubwell.spaces.rules import id_refusal

_PARTS: Final = {
    "scd4x": 'driver = "scd4x"\nevery_s = 10',
    "bme280": 'driver = "bme280"\nevery_s = 10',
    "pir": 'driver = "pir"\npin = 17\nevery_s = 60',
}
PARTS: Final = tuple(_PARTS)
"""Sensors that can be chosen: drivers of the agent."""
_NO_HOST: Final = "hub.example"
_PORT: Final = 8883


@dataclass(frozen=True, slots=True)
class BrokerForDevices:
    """Where devices connect, as far as the hub knows it."""

    url: str
    """With the account that devices share, where there is one."""
    address: str
    """Host and port."""
    account: str
    password: str
    """Empty: each device has an account of its own, which Hubwell cannot make."""
    is_known: bool
    """Whether the address is set; else it is the name by which browsers find the hub, or an example."""

    @property
    def is_shared(self) -> bool:
        """Return whether all devices share one account."""
        return bool(self.password)


def broker_for_devices(url: str | None, public_host: str) -> BrokerForDevices:
    """Return the broker at an address, or where it probably is: on the machine with the pages, with TLS."""
    if url is None:
        host = public_host.rpartition(":")[0] if ":" in public_host else public_host
        address = f"{host or _NO_HOST}:{_PORT}"
        return BrokerForDevices(f"mqtts://{address}", address, "", "", is_known=False)
    parts = urlsplit(url)
    port = parts.port or (_PORT if parts.scheme == "mqtts" else 1883)
    address = f"{parts.hostname}:{port}"
    return BrokerForDevices(
        url, address, unquote(parts.username or ""), unquote(parts.password or ""), is_known=True
    )


def device_file(device_id: str, parts: Collection[str], *, site: str, broker: BrokerForDevices) -> str:
    """Return the file of a device with these parts. Raises DomainError with all that is wrong."""
    chosen = [part for part in PARTS if part in parts]
    refuse_all((id_refusal(device_id), None if chosen else DomainError(errors.DEVICE_WITHOUT_PARTS)))
    lines = [
        "# Settings of this device for hubwell-edge. Keep them like a password.",
        f"site = {json.dumps(site)}",
        f"device = {json.dumps(device_id)}",
    ]
    if broker.is_shared:
        lines.append('clock = "trust" # it runs on the machine of the hub, and has its clock')
        lines += ["", "[broker]", f"url = {json.dumps(broker.url)}", "protocol = 311"]
        lines += ["", "[outbox]", f'dir = "{device_id}-outbox" # beside the place where it is started']
    else:
        lines += [
            f"mqtt_username = {json.dumps(device_id)}",
            "# The password is in a file of its own: mqtt_password.",
        ]
        lines += ["", "[broker]", f"url = {json.dumps(broker.url)}"]
        if broker.url.startswith("mqtts:"):
            lines.append('ca_file = "/etc/hubwell-edge/ca.crt"')
    for part in chosen:
        lines += ["", "[[sensor]]", _PARTS[part]]
    return "\n".join(lines) + "\n"
