"""The page of a space: now, the past in plots, sentences and tables, and what stands behind it."""

import html
import re
from datetime import UTC, datetime, timedelta

from lanes.database_lane import Database
from services.web.running_site import Site, serving
from services.web.sample_hub import Hub

HTML = {"accept": "text/html"}
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def _words(page: str) -> str:
    main = page.partition("<main")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", main)).split())


async def _page(site: Site, path: str) -> str:
    answer = await site.client.get(path, headers=HTML)
    assert answer.status_code == 200
    return answer.text


def _closed(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _hours(hub: Hub, quantity: str, values: dict[int, float], every: int = 5) -> None:
    """Write readings of the studio: a value for each hour, counted back from the last closed one."""
    end = _closed(datetime.now(UTC))
    hub.readings(
        "studio-1",
        quantity,
        [
            (end - ago * HOUR + minute * MINUTE, value)
            for ago, value in values.items()
            for minute in range(0, 60, every)
        ],
    )


async def test_page_says_how_the_space_is_and_was(site: Site) -> None:
    page = await _page(site, "/spaces/wood-workshop")
    words = _words(page)

    assert re.search(r"In use About a third full: 5 people between \d\d:\d\d and \d\d:\d\d\.", words)
    assert "Stuffy air 1180 ppm" in words
    assert re.search(
        r"The air needs changing\. Since \d\d:\d\d\. Open two windows for about ten minutes", words
    )
    assert "Heard in the last 5 minutes" in words
    assert re.search(r"CO₂ ppm On average \d+ ppm\. Lowest: \d+ ppm \(.{4,20}\)\. Highest: \d+ ppm", words)
    assert re.search(r'<svg class="plot"[^>]+aria-label="CO₂ in Wood workshop\. On average', page)
    assert re.search(r'<th scope="row"><time datetime="[^"]+">\d\d:00</time></th>(<td>\d+ ppm</td>){3}', page)
    assert "wood-workshop-1" in words
    assert f"{site.address}/spaces/wood-workshop" in words
    assert page.count('class="code"') == 1


async def test_board_leads_to_the_page(site: Site) -> None:
    assert '<h3><a href="/spaces/cafe">Café corner</a></h3>' in await _page(site, "/")
    assert '<a href="/spaces/cafe">Café corner</a>' in await _page(site, "/?view=table")


async def test_week_has_closed_hours_with_limit_gap_and_days(hub: Hub, site: Site) -> None:
    hub.conn.execute("TRUNCATE reading, reading_hour, reading_change")
    _hours(hub, "co2", {50: 600.0, 49: 1200.0, 48: 1000.0, 30: 920.0})
    hub.reading("studio-1", "co2", 5000.0)  # in the hour that is open: it would show single readings

    page = await _page(site, "/spaces/studio?days=7")
    words = _words(page)

    assert "On average 930 ppm. Lowest: 600 ppm" in words
    assert "Highest: 1200 ppm" in words
    assert "Averages of five minutes were 1000 ppm or more for about 2 hours." in words
    assert "There are readings for about 4 hours of that." in words
    assert "5000 ppm" not in words
    assert page.count('class="gap"') == 3  # before, between, after
    assert 'class="limit"' in page
    assert "Readings are missing in this time" in words


async def test_values_in_doubt_are_left_out_and_said(hub: Hub, site: Site) -> None:
    hub.conn.execute("TRUNCATE reading, reading_hour, reading_change")
    _hours(hub, "temp", {9: 21.0, 8: 85.0, 7: 21.0})
    hub.conn.execute("UPDATE reading SET quality = 2 WHERE value = 85")

    words = _words(await _page(site, "/spaces/studio"))

    assert "On average 21.0 °C. Lowest: 21.0 °C" in words
    assert "85" not in words
    assert "The sensor was in doubt for about 1 hour; those readings are left out." in words
    assert "Sensor in doubt" in words


async def test_use_is_used_free_and_not_known(hub: Hub, site: Site) -> None:
    hub.conn.execute("TRUNCATE reading, reading_hour, reading_change")
    _hours(hub, "presence", {20: 0.0, 19: 1.0, 18: 1.0, 17: 0.0, 16: 0.0})

    page = await _page(site, "/spaces/studio?days=7")

    assert "In use for about 2 h, free for 3 h, not known for 163 h." in page
    assert page.count('<path class="strip-used"') == 1
    assert page.count('<path class="strip-free"') == 2
    assert '<td class="heat-5">100</td>' in page
    assert '<td class="heat-0">0</td>' in page


async def test_page_says_what_would_make_it_better(hub: Hub, site: Site) -> None:
    hub.space("attic", "Attic", "relaxation", 3)

    bare, silent, small = [
        _words(await _page(site, f"/spaces/{space}")) for space in ("attic", "library", "electronics")
    ]

    assert "A motion or presence sensor would show whether the space is free." in bare
    assert "There is no CO₂ sensor. One would show when to open a window." in bare
    assert "No device is in this space." in bare
    assert "The CO₂ sensor is silent: check its power and network." in silent
    assert "A number of people is shown from five on" in small


async def test_one_persons_room_has_no_past(hub: Hub, site: Site) -> None:
    hub.conn.execute("UPDATE space SET personal = true WHERE id = 'studio'")

    words = _words(await _page(site, "/spaces/studio?days=30"))

    assert "One person's room: presence is not shown." in words
    assert not re.search(r"ppm|°C|dB|Lowest|Silent|Use ", words)


async def test_strange_addresses_are_answered(site: Site) -> None:
    assert "24 hours" in await _page(site, "/spaces/studio?days=eleven")
    for space in ("nowhere", "x" * 65, "%00"):
        answer = await site.client.get(f"/spaces/{space}", headers=HTML)
        assert answer.status_code in (404, 422), space


async def test_no_word_of_an_address_hides_a_space(hub: Hub, site: Site) -> None:
    for word in ("demo", "new", "devices", "table", "order"):
        hub.space(word, f"Room {word}", "workshop", 10)
        assert f"Room {word}" in await _page(site, f"/spaces/{word}")


async def test_page_is_small(hub: Hub, database: Database) -> None:
    for quantity in ("co2", "temp", "rh", "noise", "light", "presence"):
        _hours(hub, quantity, {ago: 400 + ago * 7 % 90 for ago in range(1, 720)}, every=20)
    async with serving(database) as site:
        for days in (1, 7, 30):
            answer = await site.client.get(f"/spaces/studio?days={days}", headers=HTML)
            assert int(answer.headers.get("content-length", 0)) < 25_000, days
            assert answer.num_bytes_downloaded < 20_000, days
