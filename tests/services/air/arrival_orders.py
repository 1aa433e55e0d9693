"""Readings in the orders and batches in which they may arrive."""

import random

from feed.simulated_device import Packet
from services.air.stuffy_air import STUFFY

WAVES = [*STUFFY, *[1200.0] * 25, *[700.0] * 25, None, None, None, *[1050.0] * 30, *[880.0] * 20]


def split(chance: random.Random, packets: list[Packet]) -> list[list[Packet]]:
    """Cut packets into batches of any size."""
    batches = []
    while packets:
        most = chance.randint(1, 60)
        batches.append(packets[:most])
        packets = packets[most:]
    return batches


def in_order(packets: list[Packet], chance: random.Random) -> list[Packet]:
    del chance
    return packets


def backwards(packets: list[Packet], chance: random.Random) -> list[Packet]:
    del chance
    return packets[::-1]


def shuffled(packets: list[Packet], chance: random.Random) -> list[Packet]:
    return chance.sample(packets, len(packets))


def nearly(packets: list[Packet], chance: random.Random) -> list[Packet]:
    """Each at most a few places from where it belongs, as with several ingest processes."""
    keys = {id(packet): index + chance.uniform(0, 8) for index, packet in enumerate(packets)}
    return sorted(packets, key=lambda packet: keys[id(packet)])
