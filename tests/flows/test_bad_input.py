"""Bad messages through a real broker into a real ingest process: set aside with a sentence, others stored."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import aiomqtt
import pytest

from feed.ingest_setup import device_in, one, rows
from feed.simulated_device import Device, Packet
from flows.system_processes import System, eventually, total

NOW = datetime.now(UTC).replace(microsecond=0)
TEN_MB = 10 * 1000 * 1000


def replaced(packet: Packet, old: bytes, new: bytes) -> Packet:
    assert old in packet.payload
    return Packet(packet.topic, packet.payload.replace(old, new))


def value(text: bytes) -> Callable[[Device], Packet]:
    return lambda pi: replaced(pi.telemetry(NOW, {"co2": 700.0}), b"700.0", text)


def telemetry(**changes: object) -> Callable[[Device], Packet]:
    return lambda pi: pi.telemetry(NOW, {"co2": 700.0}, **changes)


def unit(name: str) -> Callable[[Device], Packet]:
    return lambda pi: pi.readings(NOW, [{"s": "board/co2", "v": 700.0, "u": name}])


def deep(pi: Device) -> Packet:
    nested = b"[" * 5000 + b"]" * 5000
    return replaced(pi.telemetry(NOW, {"co2": 700.0}), b'"v": 1,', b'"v": 1,"x":' + nested + b",")


# what is wrong -> how it is made, the code that it is counted under, what the sentence says
BAD: dict[str, tuple[Callable[[Device], Packet], str, str]] = {
    "not JSON": (lambda pi: pi.raw(b"co2=812"), "json", "not JSON"),
    "wrong type": (value(b'"700"'), "field", "valid number"),
    "NaN": (value(b"NaN"), "field", "finite"),
    "infinity": (value(b"Infinity"), "field", "finite"),
    "minus infinity": (value(b"-Infinity"), "field", "finite"),
    "unknown unit": (unit("furlong"), "unit", "furlong"),
    "10 MB": (lambda pi: pi.raw(b" " * TEN_MB), "too-large", "10000000 bytes"),
    "time in 1970": (telemetry(ts="1970-01-01T00:00:12Z"), "time-past", "1970-01-01"),
    "time next year": (lambda pi: pi.telemetry(NOW + timedelta(days=365), {"co2": 7}), "time-future", "NTP"),
    "topic and payload disagree": (telemetry(device="other-pi"), "topic-mismatch", "other-pi"),
    "duplicate keys": (value(b'700.0, "v": 701.0'), "duplicate-key", "'v'"),
    "deep nesting": (deep, "json", "recursion"),
    "only opening brackets": (lambda pi: pi.raw(b"[" * 100_000), "json", "not JSON"),
}  # fmt: skip
UNNUMBERED = {"not JSON", "10 MB", "deep nesting", "only opening brackets"}


async def publish(system: System, *packets: Packet) -> None:
    """Publish in order, as one client; each is with the broker when this returns."""
    url = urlsplit(system.broker)
    async with aiomqtt.Client(
        str(url.hostname), int(url.port or 1883), identifier="feeder", timeout=30
    ) as client:
        for packet in packets:
            await client.publish(packet.topic, packet.payload, qos=1)


def stored(system: System, device: str) -> list[float]:
    query = """SELECT r.value FROM reading r JOIN series s ON s.id = r.series_id
               WHERE s.device_id = %s ORDER BY r.time"""
    return [value for (value,) in rows(system.database, query, device)]


@pytest.mark.broker
async def test_bad_messages_of_every_kind_are_rejected_with_a_reason_and_good_ones_around_them_stored(
    system: System,
) -> None:
    good, bad = device_in(system.database, "lab", "good-pi"), device_in(system.database, "lab", "bad-pi")
    stranger = Device("stranger-pi")
    ingest = system.ingest()
    pid = ingest.pid

    packets = [good.telemetry(NOW, {"co2": 500.0})]
    made = {name: make(bad) for name, (make, _, _) in BAD.items()}
    made["unknown device"] = stranger.telemetry(NOW, {"co2": 700.0})
    for second, packet in enumerate(made.values(), start=1):
        packets += [packet, good.telemetry(NOW + timedelta(seconds=second), {"co2": 500.0 + second})]
    await publish(system, *packets)

    expected = [500.0 + second for second in range(len(made) + 1)]
    eventually(lambda: stored(system, "good-pi") == expected, "every good message is stored")
    count = "SELECT count(*) FROM rejected"
    eventually(lambda: one(system.database, count) == len(made), "every bad message is in `rejected`")
    assert ingest.running
    assert ingest.pid == pid
    assert stored(system, "bad-pi") == []

    for name, (_, code, words) in BAD.items():
        topic, size = made[name].topic, len(made[name].payload)
        found = rows(
            system.database,
            "SELECT code, reason FROM rejected WHERE topic = %s AND size = %s AND code = %s",
            topic, size, code,
        )  # fmt: skip
        assert any(words in reason for _, reason in found), (name, found)
    (advice,) = rows(system.database, "SELECT reason FROM rejected WHERE code = 'unknown-device'")
    assert "hubwell device add stranger-pi" in advice[0]

    shown = system.run("rejected", "--json", "--most", "50")
    assert shown.returncode == 0, shown.stderr
    assert "furlong" in shown.stdout
    account = system.audit()
    assert account["clean"], json.dumps(account)
    by_device = {day["device"]: day for day in account["days"] if day["rejected"]}
    assert by_device["bad-pi"]["rejected"] == len(BAD)
    assert total({"days": [by_device["bad-pi"]]}, "stored") == 0


@pytest.mark.broker
async def test_stranger_keeps_its_messages_and_they_are_stored_once_it_is_registered(system: System) -> None:
    counter = {"driver": "steady", "count": 30, "rate": 0}
    agent = system.agent("newcomer", {"batch": {"readings": 1}, "sensor": [counter]})
    system.ingest()
    agent.begin()
    count = "SELECT count(*) FROM rejected WHERE code = 'unknown-device'"
    eventually(lambda: one(system.database, count) == 30, "its messages are rejected for now")
    assert agent.running
    assert (
        system.run("space", "add", "lab", "--name", "Lab", "--kind", "workshop", "--capacity", "9").returncode
        == 0
    )
    assert system.run("device", "add", "newcomer", "--space", "lab").returncode == 0
    assert agent.wait(60) == 0, agent.tail()
    assert stored(system, "newcomer") == [float(n) for n in range(30)]
    assert system.audit()["missing"] == 0
