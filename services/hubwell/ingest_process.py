"""The ingest process: connects the broker and the switchboard, and stores until it is stopped."""

from typing import Final

from hubwell.ingest.consumer import Ingest, subscriptions
from hubwell.mqtt.subscriber import MqttSource
from hubwell.settings import Settings
from hubwell.switchboard import Switchboard

_SESSION_S: Final = 120
"""How long the broker keeps the share of a process that is gone. Receipts make a short time safe, and a long
one would leave that share waiting for a process that does not come back."""


async def run(settings: Settings, *, worker: str = "1") -> None:
    """Work until cancelled. `worker` numbers several of these processes, for distinct MQTT client ids."""
    async with MqttSource(
        settings.broker_url,
        f"hubwell-ingest-{settings.site}-{worker}",
        subscriptions(settings.site, shared=settings.ingest_shared),
        session_expiry_s=_SESSION_S,
        receive_maximum=2 * settings.ingest_batch,  # one batch is committed while the next comes in
        ca_file=settings.broker_ca_file,
    ) as source:
        await Ingest(settings, Switchboard.of(settings).commit, worker=worker).run(source)
