"""The largest paint of the pages in a real browser, with nine spaces and with fifty, against its limit.

The timeline of bookings has 500 spaces with five bookings each, and a limit of its own.
"""

import asyncio
import statistics
from typing import Final

import psycopg
import pytest
from playwright.async_api import Browser

from hubwell.bench.machine_speed import MachineSpeed
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import open_house
from services.web.running_site import Site, serving
from services.web.sample_hub import ordinary_day

pytestmark = [pytest.mark.bench, pytest.mark.browser]
LIMIT_MS: Final = 300.0
TIMELINE_LIMIT_MS: Final = 1000.0
_PAGES: Final = ("/", "/?view=table", "/wall", "/panel/studio", "/spaces/studio", "/devices", "/alerts")
_ROUNDS: Final = 5
_SPACES: Final = """
INSERT INTO space (id, name, kind, capacity)
SELECT 'room-' || n, 'Project room ' || n, 'workshop', 12 FROM generate_series(1, 500) n
"""
_BOOKINGS: Final = """
WITH made AS (
    INSERT INTO booking (space_id, atoms, during, title, shows_title, people, owner, created_at, changed_at)
    SELECT a.space_id, ARRAY[a.id], tstzrange(begins, begins + interval '70 minutes'),
           'Course ' || a.id, true, 5, '', now(), now()
    FROM atom a, generate_series(
        current_date + interval '31 hours', current_date + interval '41 hours', interval '150 minutes'
    ) begins
    RETURNING id, atoms, during
)
INSERT INTO hold (booking_id, atom_id, during) SELECT id, atoms[1], during FROM made
"""
_PAINT: Final = """
window.paint = 0;
new PerformanceObserver(list => { for (const entry of list.getEntries()) window.paint = entry.startTime; })
    .observe({type: 'largest-contentful-paint', buffered: true});
"""


async def _ratio(browser: Browser, address: str, limit_ms: float = LIMIT_MS, ticket: str = "") -> float:
    """Return the limit over the median of several loads with an empty cache; a slow machine has longer."""
    found = []
    machine = MachineSpeed()
    for _ in range(_ROUNDS):
        machine.sample()
        page = await browser.new_page(viewport={"width": 1440, "height": 900})
        if ticket:
            await page.context.add_cookies([{"name": "hubwell", "value": ticket, "url": address}])
        await page.add_init_script(_PAINT)
        await page.goto(address)
        await asyncio.sleep(0.4)  # a later paint would be a larger one
        found.append(float(await page.evaluate("window.paint")))
        await page.close()
    return limit_ms * machine.slowness / statistics.median(found)


async def _slow(browser: Browser, site: Site, paths: tuple[str, ...]) -> dict[str, float]:
    """Return the pages over the limit; a page that misses it is measured again, for machines are shared."""
    again = [path for path in paths if await _ratio(browser, site.address + path) < 1]
    return {path: ratio for path in again if (ratio := await _ratio(browser, site.address + path)) < 1}


async def test_largest_paint_is_early_with_nine_spaces_and_with_fifty(
    database: Database, browser: Browser
) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        hub = ordinary_day(conn, database.url)
        async with serving(database) as site:
            assert await _slow(browser, site, _PAGES) == {}
            for number in range(41):
                hub.space(f"more-{number}", f"Project room {number}", "workshop", 12)
            assert await _slow(browser, site, _PAGES) == {}


async def test_timeline_of_five_hundred_spaces_is_painted_early(database: Database, browser: Browser) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        conn.execute(_SPACES)
        assert conn.execute(_BOOKINGS).rowcount == 2500
        conn.execute("ANALYZE")
        day = conn.execute("SELECT current_date + 1").fetchone()
    async with open_house(database) as house:
        ticket = (await house.signed_in("ida", Role.STAFF)).cookies["hubwell"]
        for address in (f"/bookings/timeline?date={day[0]}" if day else "", "/bookings/timeline?view=week"):
            ratio = await _ratio(browser, house.address + address, TIMELINE_LIMIT_MS, ticket)
            if ratio < 1:  # once more, for machines are shared
                ratio = await _ratio(browser, house.address + address, TIMELINE_LIMIT_MS, ticket)
            assert ratio >= 1, address
