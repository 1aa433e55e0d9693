"""The broker of the `hubwell up` that runs on this machine, for commands that are tried beside it.

Its address holds a password that is new at each start; `hubwell up` writes it into its data folder, which
only its user can read.
"""

import json
import os
from pathlib import Path


def device_broker() -> str | None:
    """Return the address for devices in $HUBWELL_DATA, else in ./hubwell-data; None without one."""
    file = Path(os.environ.get("HUBWELL_DATA") or "hubwell-data") / "running.json"
    try:
        address = json.loads(file.read_text("utf-8"))["device_broker_url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(address)
