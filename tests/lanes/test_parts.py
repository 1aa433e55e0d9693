import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import aiomqtt
import psycopg
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from playwright.async_api import Browser

from lanes.brokers import EMBEDDED_REST_S, IotCore, Mosquitto, mosquitto_program
from lanes.database_lane import Database
from lanes.postgres import PostgresServer
from lanes.servers import until

BOTH_VERSIONS = [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5]
SESSION = "an-ingest-of-tests"


def client(port: int, version: aiomqtt.ProtocolVersion, name: str | None = None) -> aiomqtt.Client:
    """A client whose session the broker keeps if it has a name."""
    if version is aiomqtt.ProtocolVersion.V311:
        return aiomqtt.Client("127.0.0.1", port, protocol=version, identifier=name, clean_session=not name)
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's own
    properties.SessionExpiryInterval = 600 if name else 0
    return aiomqtt.Client(
        "127.0.0.1", port, protocol=version, identifier=name, clean_start=not name, properties=properties
    )


async def hear_one(port: int, version: aiomqtt.ProtocolVersion) -> bytes:
    async with client(port, version) as listener, client(port, version) as speaker, asyncio.timeout(10):
        await listener.subscribe("hub/#", qos=1)
        await speaker.publish("hub/x", b"heard", qos=1)
        async for message in listener.messages:
            return bytes(message.payload)
    raise AssertionError("the broker closed the connection")


@pytest.mark.broker
@pytest.mark.parametrize("version", BOTH_VERSIONS)
async def test_mosquitto_speaks_both_versions(mosquitto: Mosquitto, version: aiomqtt.ProtocolVersion) -> None:
    assert await hear_one(mosquitto.port, version) == b"heard"


@pytest.mark.broker
@pytest.mark.parametrize("version", BOTH_VERSIONS)
async def test_mosquitto_keeps_a_queue_over_a_restart(
    mosquitto: Mosquitto, version: aiomqtt.ProtocolVersion
) -> None:
    async with client(mosquitto.port, version, SESSION) as listener:
        await listener.subscribe("hub/#", qos=1)
    async with client(mosquitto.port, version) as speaker:
        for number in range(2000):
            await speaker.publish("hub/x", str(number), qos=1)
    mosquitto.restart(signal.SIGTERM)
    heard: list[int] = []
    async with client(mosquitto.port, version, SESSION) as listener, asyncio.timeout(20):
        async for message in listener.messages:
            heard.append(int(bytes(message.payload)))
            if len(heard) == 2000:
                break
    assert heard == list(range(2000))


@pytest.mark.broker
async def test_mosquitto_comes_back_after_a_kill(mosquitto: Mosquitto) -> None:
    before = mosquitto.pid
    mosquitto.kill()
    mosquitto.start()
    assert mosquitto.pid != before
    assert await hear_one(mosquitto.port, aiomqtt.ProtocolVersion.V311) == b"heard"


async def test_embedded_broker_speaks_both_versions(iotcore_broker: IotCore) -> None:
    assert await hear_one(iotcore_broker.port, aiomqtt.ProtocolVersion.V311) == b"heard"
    await asyncio.sleep(EMBEDDED_REST_S)
    assert await hear_one(iotcore_broker.v5_port, aiomqtt.ProtocolVersion.V5) == b"heard"


@pytest.mark.browser
async def test_browser_runs_scripts(browser: Browser) -> None:
    page = await browser.new_page()
    await page.set_content("<p>still</p><script>document.querySelector('p').textContent = 'live'</script>")
    assert await page.inner_text("p") == "live"


def test_killed_server_still_has_what_was_committed(own_postgres: PostgresServer) -> None:
    database = own_postgres.create("empty")
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute("CREATE TABLE t AS SELECT 42 AS a")
    own_postgres.kill()
    own_postgres.start()
    with psycopg.connect(database.url) as conn:
        assert conn.execute("SELECT a FROM t").fetchone() == (42,)


def test_databases_are_apart(empty_database: Database, database: Database) -> None:
    with psycopg.connect(empty_database.url) as empty, psycopg.connect(database.url) as migrated:
        assert empty.execute("SELECT to_regclass('reading')").fetchone() == (None,)
        assert migrated.execute("SELECT to_regclass('reading')").fetchone() == ("reading",)


@pytest.mark.broker
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux ends children with their parent")
def test_servers_end_with_a_killed_run(tmp_path: Path) -> None:
    mosquitto_program()  # the program below cannot skip
    program = textwrap.dedent("""
        import sys
        from pathlib import Path
        from lanes.brokers import Mosquitto
        from lanes.plain import plain
        broker, postgres = Mosquitto(Path(sys.argv[1])), plain()
        broker.start()
        postgres.start()
        print(broker.pid, postgres.pid, postgres.folder, flush=True)
        sys.stdin.read()
    """)
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": tests},
    ) as run:
        assert run.stdout is not None
        broker, postgres, folder = run.stdout.readline().split()
        run.kill()
    assert any(gone(int(broker)) and gone(int(postgres)) for _ in until(20))
    subprocess.run(["rm", "-rf", "--", folder], check=True)


def gone(pid: int) -> bool:
    """Ended; a zombie counts, for a container may have nobody to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
