"""The ingest process: connects the broker and the switchboard, and stores until it is stopped."""

import asyncio
from functools import partial
from typing import Final

from hubwell.hub_profile.follow import follow
from hubwell.ingest.consumer import Ingest, subscriptions
from hubwell.mqtt.subscriber import MqttSource
from hubwell.service.sign_of_life import NUMBERS, SignOfLife
from hubwell.settings import Settings
from hubwell.switchboard import Switchboard

_SESSION_S: Final = 120
"""How long the broker keeps the share of a process that is gone. Receipts make a short time safe, and a long
one would leave that share waiting for a process that does not come back."""

_FIRST: Final = NUMBERS[0]
"""Its share waits for it while it is restarted; that of others goes to those that stay."""


async def run(settings: Settings, *, worker: str = "") -> None:
    """Work until cancelled. `worker` is the process's number among several, the first free one by default.

    The number makes the MQTT client id: two processes of one number would take the connection from each other
    for ever. Raises an ExceptionGroup with NameTakenError if the number given is taken.
    """
    sign = SignOfLife(settings.database_url, "ingest", (worker,) if worker else NUMBERS)
    async with asyncio.TaskGroup() as tasks:
        number = await sign.claim()
        tasks.create_task(sign.run(), name="hubwell-ingest[sign of life]")
        store = partial(_store, number=number)
        tasks.create_task(follow(settings, store, name="ingest"), name="hubwell-ingest[store]")


async def _store(settings: Settings, number: str) -> None:
    async with MqttSource(
        settings.broker_url,
        f"hubwell-ingest-{settings.site}-{number}",
        subscriptions(settings.site, shared=settings.ingest_shared),
        session_expiry_s=_SESSION_S,
        receive_maximum=2 * settings.ingest_batch,  # one batch is committed while the next comes in
        ca_file=settings.broker_ca_file,
        ends_session=number != _FIRST,
    ) as source:
        await Ingest(settings, Switchboard.of(settings).commit, worker=number).run(source)
