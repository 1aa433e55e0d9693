"""Many clients book the same atoms at one moment, through two real API processes."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final

import httpx
import psycopg
import pytest

from hubwell.access import tokens
from hubwell.bench.scratch_environment import free_port, hubwell_command, port_open, process
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.booking.booking_house import BOOKINGS, clock

_CLIENTS: Final = 60
_ROUNDS: Final = 4
_ATOMS: Final = 6


@dataclass
class Race:
    """Clients of two processes, and the database that both use."""

    clients: list[httpx.AsyncClient]
    atoms: list[int]
    conn: psycopg.AsyncConnection[Any]


@pytest.fixture
async def race(database: Database) -> AsyncIterator[Race]:
    async with (
        AsyncExitStack() as stack,
        await psycopg.AsyncConnection.connect(database.url, autocommit=True) as conn,
    ):
        await conn.execute(
            "INSERT INTO space (id, name, kind, capacity) VALUES ('hall', 'Hall', 'workshop', 60)"
        )
        for space in ("aula", "studio"):
            await conn.execute(
                "INSERT INTO space (id, name, kind, capacity) VALUES (%s, initcap(%s), 'workshop', 60)",
                (space, space),
            )
        await conn.execute(
            "INSERT INTO atom (space_id, position) SELECT 'hall', generate_series(2, %s)", (_ATOMS,)
        )
        await conn.execute("UPDATE atom SET name = 'Part ' || position WHERE space_id = 'hall'")
        rows = await conn.execute("SELECT id FROM atom WHERE space_id = 'hall' ORDER BY id")
        atoms = [row[0] for row in await rows.fetchall()]
        _, token = await tokens.add(conn, name="race", roles=[Role.STAFF], expires_at=None)
        clients = []
        for _number in range(2):
            port = free_port()
            address = {"HUBWELL_HTTP_HOST": "127.0.0.1", "HUBWELL_HTTP_PORT": str(port)}
            environment = {**os.environ, "HUBWELL_DATABASE_URL": database.url, **address}
            await stack.enter_async_context(process(hubwell_command("api"), environment))
            await port_open(port)
            client = httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"authorization": f"Bearer {token}"},
                timeout=60,
                limits=httpx.Limits(max_connections=_CLIENTS),
            )
            clients.append(await stack.enter_async_context(client))
        yield Race(clients, atoms, conn)


@pytest.mark.slow
async def test_one_of_many_wins_each_conflict_and_losers_are_offered_others(race: Race) -> None:
    dice = random.Random(9)
    for number in range(_ROUNDS):
        wanted = [sorted(dice.sample(race.atoms, dice.randint(1, _ATOMS))) for _ in range(_CLIENTS)]
        answers = await asyncio.gather(
            *(_book(race, client, parts, days=2 + number) for client, parts in enumerate(wanted))
        )

        assert Counter(answer.status_code for answer in answers).keys() <= {201, 409}
        won = [parts for answer, parts in zip(answers, wanted, strict=True) if answer.status_code == 201]
        held = [atom for parts in won for atom in parts]
        assert won
        assert len(held) == len(set(held)), "an atom has one winner"
        for answer, parts in zip(answers, wanted, strict=True):
            if answer.status_code == 409:
                assert set(parts) & set(held), "nobody loses to nobody"
                problem = answer.json()
                assert problem["code"] == "booking-space-taken"
                assert problem["conflicts"]
                assert len(problem["alternatives"]) == 3
    stored = await (
        await race.conn.execute("SELECT count(*), count(DISTINCT booking_id) FROM hold")
    ).fetchone()
    booked = await (
        await race.conn.execute("SELECT sum(cardinality(atoms)), count(*) FROM booking")
    ).fetchone()
    assert stored == booked, "nothing is half-saved"


@pytest.mark.slow
async def test_bookings_that_change_places_at_one_moment_never_fail_badly(race: Race) -> None:
    """Each of two bookings moves to where the other is: nobody gets an error of the server."""
    made = [(await _book(race, number, [atom], days=9)).json() for number, atom in enumerate(race.atoms)]
    for _ in range(_ROUNDS):
        order = [made[(number + 1) % len(made)]["parts"] for number in range(len(made))]
        answers = await asyncio.gather(
            *(
                race.clients[number % 2].patch(
                    f"{BOOKINGS}/{booking['id']}", json={"parts": parts}, headers={"if-match": "*"}
                )
                for number, (booking, parts) in enumerate(zip(made, order, strict=True))
            ),
            *(_book(race, number, race.atoms[:3], days=9) for number in range(6)),
        )
        assert Counter(answer.status_code for answer in answers).keys() <= {200, 409}
    stored = await (await race.conn.execute("SELECT count(*) FROM hold")).fetchone()
    assert stored == (len(made),)


async def _book(race: Race, number: int, parts: list[int], *, days: int) -> httpx.Response:
    body = {"space": "hall", "parts": parts, "people": 1, "title": f"Client {number}"}
    times = {"start": clock(9, days=days), "end": clock(10, days=days)}
    return await race.clients[number % 2].post(BOOKINGS, json=body | times)
