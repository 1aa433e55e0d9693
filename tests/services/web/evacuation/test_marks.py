"""The muster's list: a whole space at once, visitors, search, the zone of one's own, and the stream."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, quote_plus
from uuid import uuid4

import httpx
import pytest

from hubwell.vocabulary import Role
from services.evacuation.populated_hub import NORTH, SOUTH, House
from services.web.evacuation.officer import HTML, NAMES, Officer, row_of, signed_in, words
from services.web.evacuation.test_program import program
from services.web.running_site import Site


async def opened(osh: Officer, kind: str = "alarm") -> str:
    """Open a muster; return the address of its forms."""
    await osh.send("/muster", kind=kind)
    return f"/muster/{await osh.muster()}"


def number_of(page: str, name: str) -> int:
    """Return the number of a person on the list."""
    found = re.search(rf'id="person-(\d+)"[^>]*>\s*<p class="person-name">.*<strong>{name}<', page)
    assert found is not None
    return int(found[1])


def states(house: House) -> dict[str, str]:
    rows = house.conn.execute(
        "SELECT coalesce(l.visitor, p.name), l.state FROM muster_person l "
        "LEFT JOIN person p ON p.id = l.person_id"
    )
    return {row[0]: row[1] for row in rows.fetchall()}


def undo_on(page: str) -> str:
    found = re.search(r'value="(\w+:undo:[^"]+)"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("space", ["nowhere", "0123456789abcd", "-wood"])
async def test_space_that_is_none_is_refused_in_words(house: House, osh: Officer, space: str) -> None:
    address = await opened(osh)

    answer = await osh.send(f"{address}/together", together=f"{space}:safe")

    assert answer.status_code < 500
    assert set(states(house).values()) == {"expected"}


async def test_everybody_in_a_space_is_safe_with_one_press_and_earlier_marks_stay(
    house: House, osh: Officer
) -> None:
    address = await opened(osh)
    page = await osh.page()
    await osh.send(f"{address}/tick", tick=f"{number_of(page, 'Ada Example')}:safe")
    await osh.send(f"{address}/tick", tick=f"{number_of(page, 'Bo Sample')}:missing")
    house.inside("Dee Person", "wood")
    await osh.page()
    earlier = datetime.now(UTC) - timedelta(minutes=7)
    house.conn.execute("UPDATE muster_person SET changed_at = %s WHERE changed_at IS NOT NULL", (earlier,))

    answer = await osh.send(f"{address}/together", together="wood:safe")

    assert states(house) == {
        "Ada Example": "safe", "Bo Sample": "missing", "": "safe", "Dee Person": "safe",
        "Cleo Specimen": "expected",
    }  # fmt: skip
    kept = house.conn.execute(
        "SELECT count(*) FROM muster_person WHERE changed_at = %s", (earlier,)
    ).fetchone()
    assert kept == (2,)
    assert "2 people were marked safe together at" in words(answer.text)
    assert "Everybody in this space is safe: Wood" not in answer.text

    answer = await osh.send(f"{address}/together", together=undo_on(answer.text))

    assert [states(house)[name] for name in ("Ada Example", "Bo Sample", "", "Dee Person")] == [
        "safe", "missing", "expected", "expected",
    ]  # fmt: skip
    assert "marked safe together" not in answer.text
    assert house.actions()[-2:] == ["muster.space-safe", "muster.space-undone"]
    details = house.conn.execute(
        "SELECT detail FROM audit_entry WHERE action = 'muster.space-safe'"
    ).fetchone()
    assert details == ({"space": "wood", "marked": 2},)


async def test_undo_of_a_space_leaves_who_was_changed_since(site: Site, house: House, osh: Officer) -> None:
    address = await opened(osh)
    page = (await osh.send(f"{address}/together", together="wood:safe")).text
    async with signed_in(site, house, "second", "osh") as other:
        await other.send(f"{address}/tick", tick=f"{number_of(page, 'Ada Example')}:missing")
        await other.send(f"{address}/together", together=undo_on(page))
    assert states(house) == {
        "Ada Example": "missing", "Bo Sample": "expected", "": "expected", "Cleo Specimen": "expected",
    }  # fmt: skip


@pytest.mark.parametrize(
    "together", ["wood", "wood:missing", "wood:undo:yesterday", "../x:safe", "wood:undo:2026-11-30T10:00:00"]
)
async def test_odd_press_changes_nothing(house: House, osh: Officer, together: str) -> None:
    address = await opened(osh)
    await osh.send(f"{address}/together", together=together)
    assert set(states(house).values()) == {"expected"}


async def test_visitor_is_counted_named_in_an_alarm_and_gone_with_the_list(
    house: House, osh: Officer
) -> None:
    address = await opened(osh)
    answer = await osh.send(
        f"{address}/visitors", name="  Vera   Visitor ", space="cafe", state="safe", key=str(uuid4())
    )
    assert "1 of 5 people are accounted for" in words(answer.text)
    assert re.search(
        r"Safe since \d\d:\d\d Visitor, entered at \d\d:\d\d", row_of(answer.text, "Vera Visitor")
    )
    await osh.send(f"{address}/visitors", name="", space="metal", key=str(uuid4()))
    assert "Visitor 1" in words(await osh.page())

    report = words((await osh.send(f"{address}/close")).text)

    assert "On the list 6 Safe 1" in report
    assert "Visitors entered by officers 2" in report
    assert "Vera" not in report
    assert house.count("muster_person") == 0
    everything = house.conn.execute("SELECT string_agg(a::text, ' ') FROM audit_entry a").fetchone()
    assert everything is not None
    assert "Vera" not in everything[0]
    kept = house.conn.execute("SELECT report::text FROM muster").fetchone()
    assert kept is not None
    assert "Vera" not in kept[0]
    assert house.actions().count("muster.visitor-added") == 2


async def test_visitor_of_a_drill_is_a_number_like_all(osh: Officer) -> None:
    address = await opened(osh, "drill")
    await osh.send(f"{address}/visitors", name="Vera Visitor", space="cafe", key=str(uuid4()))
    for path in ("/muster", "/muster/list", "/muster/sheet"):
        page = await osh.page(path)
        assert "Vera Visitor" not in page, path
    assert "Vera Visitor" not in (await osh.send("/muster/find", q="vera")).text
    assert "Visitor 2" in words(await osh.page())


async def test_same_form_enters_one_visitor_and_a_slip_can_be_removed(house: House, osh: Officer) -> None:
    address = await opened(osh)
    form = {"name": "Vera", "space": "cafe", "key": str(uuid4())}
    await osh.send(f"{address}/visitors", **form)
    page = (await osh.send(f"{address}/visitors", **form)).text
    assert house.count("muster_person") == 5

    vera, ada = number_of(page, "Vera"), number_of(page, "Ada Example")
    refused = await osh.send(f"{address}/visitors/{ada}/remove")
    assert "This person is no longer on the list." in words(refused.text)
    await osh.send(f"{address}/visitors/{vera}/remove")
    assert set(states(house)) == {"Ada Example", "Bo Sample", "", "Cleo Specimen"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"space": "nowhere"}, "There is no such space."),
        ({"name": "x" * 121}, "A name has at most 120 characters."),
        ({"name": "Vera\u202e"}, "characters that cannot be shown"),
    ],
)
async def test_visitor_who_cannot_be_entered(
    house: House, osh: Officer, fields: dict[str, str], said: str
) -> None:
    address = await opened(osh)
    answer = await osh.send(f"{address}/visitors", **{"name": "Vera", "space": "cafe", "key": "x"} | fields)
    assert said in words(answer.text)
    assert house.count("muster_person") == 4


async def test_closed_muster_takes_no_marks_and_no_visitors(house: House, osh: Officer) -> None:
    address = await opened(osh)
    await osh.send(f"{address}/close")
    for path, fields in (
        ("together", {"together": "wood:safe"}),
        ("visitors", {"name": "Vera", "space": "cafe", "key": str(uuid4())}),
    ):
        answer = await osh.send(f"{address}/{path}", **fields)
        assert "This evacuation or drill is closed." in words(answer.text)
    assert house.count("muster_person") == 0


@pytest.mark.parametrize(
    ("search", "found"), [("cleo", ["Cleo Specimen"]), ("wood", ["Ada", "Bo"]), ("ÄDA", ["Ada"])]
)
async def test_search_without_a_script_finds_names_and_spaces(
    osh: Officer, search: str, found: list[str]
) -> None:
    await opened(osh)
    page = (await osh.send("/muster/find", q=search)).text
    shown = [name for name in NAMES if f">{name}<" in page]
    assert [name for name in shown if any(name.startswith(part) for part in found)] == shown
    assert len(shown) == len(found)
    assert "of 4 people are accounted for" in words(page), "the count is of all"


async def test_search_says_when_nobody_is_found(osh: Officer) -> None:
    await opened(osh)
    assert "Nobody on this list was found" in words((await osh.send("/muster/find", q="zaphod")).text)


async def test_no_address_has_the_name_that_was_searched(osh: Officer) -> None:
    address = await opened(osh)
    addresses: list[str] = []

    async def note(request: httpx.Request) -> None:
        addresses.append(str(request.url))

    osh.client.event_hooks["request"].append(note)
    found = await osh.send("/muster/find", q="cleo", zone=SOUTH, left="1")
    page = found.text
    assert found.status_code == 200
    assert 'value="cleo"' in page, "what was searched is still in its field"
    assert "no-store" in found.headers["cache-control"]
    for target in re.findall(r'(?:action|href|formaction)="([^"]*)"', page):
        assert "cleo" not in target
    ticked = await osh.send(
        f"{address}/tick", tick=f"{number_of(page, 'Cleo Specimen')}:safe", zone=SOUTH, q="cleo"
    )
    await osh.send("/muster/find", q="", zone=SOUTH, left="1")

    assert ticked.url.path == "/muster"
    assert "cleo" not in "".join(addresses).lower()
    assert addresses[-1].endswith(f"/muster?zone={quote_plus(SOUTH)}&left=1")


async def test_name_in_an_address_searches_nothing(osh: Officer) -> None:
    await opened(osh)
    page = await osh.page("/muster?q=cleo")
    assert all(name in page for name in NAMES)
    assert 'value="cleo"' not in page


async def test_address_of_a_search_leads_to_the_whole_list(osh: Officer) -> None:
    await opened(osh)
    page = await osh.page("/muster/find")
    assert all(name in page for name in NAMES)


@pytest.mark.parametrize("search", ["", "cleo"])
async def test_zone_that_was_chosen_with_a_search_is_remembered_and_left_again(
    osh: Officer, search: str
) -> None:
    await opened(osh)
    await osh.send("/muster/find", zone=SOUTH, q=search)
    assert "Ada Example" not in await osh.page()
    await osh.send("/muster/find", zone="", q=search)
    assert "Ada Example" in await osh.page()


async def test_search_after_the_muster_is_closed_leads_to_where_one_is_started(osh: Officer) -> None:
    address = await opened(osh)
    await osh.send(f"{address}/close")
    answer = await osh.send("/muster/find", q="cleo")
    assert answer.url.path == "/muster"


async def test_own_zone_is_remembered_in_the_browser_and_left_again(
    site: Site, house: House, osh: Officer
) -> None:
    await opened(osh)
    await osh.page(f"/muster?zone={quote(SOUTH)}")

    page = await osh.page()

    assert "Only your zone is shown" in page
    assert "0 of 1 person is accounted for" in words(page)
    assert "In the whole hub: 0 of 4 people" in words(page)
    assert "Ada Example" not in page
    assert "Ada Example" not in (await osh.client.get("/muster/list?version=x")).text
    async with signed_in(site, house, "second", "osh") as other:
        assert "Ada Example" in await other.page()
    assert "Ada Example" in await osh.page("/muster?zone=")
    page = await osh.page()
    assert "Ada Example" in page
    assert "Only your zone is shown" not in page


async def test_remembered_zone_that_is_gone_hides_nobody(house: House, osh: Officer) -> None:
    await opened(osh)
    await osh.page(f"/muster?zone={quote(SOUTH)}")
    house.conn.execute("UPDATE space SET zone = %s", (NORTH,))
    page = await osh.page()
    assert all(name in page for name in NAMES)
    assert "Only your zone is shown" not in page


async def test_stream_says_at_once_that_another_officer_marked(
    site: Site, house: House, osh: Officer
) -> None:
    address = await opened(osh)
    async with (
        signed_in(site, house, "second", "osh") as other,
        osh.client.stream("GET", "/muster/live") as answer,
        asyncio.timeout(12),  # less than a beat: what arrives in this time was announced
    ):
        lines = answer.aiter_lines()

        async def changed() -> None:
            while await anext(lines) != "event: changed":
                pass

        await changed()  # the server listens now
        for path, fields in (
            ("together", {"together": "wood:safe"}),
            ("tick", {"tick": f"{number_of(await other.page(), 'Ada Example')}:missing"}),
            ("visitors", {"name": "Vera", "space": "cafe", "key": str(uuid4())}),
        ):
            await other.send(f"{address}/{path}", **fields)
            await changed()


async def test_stream_and_forms_are_for_officers(site: Site, house: House, osh: Officer) -> None:
    address = await opened(osh)
    async with signed_in(site, house, "other", "admin", "staff", "facilities") as other:
        assert (await other.client.get("/muster/live", headers=HTML)).status_code == 403
        for path in ("together", "visitors", "visitors/1/remove"):
            refused = await other.send(f"{address}/{path}", together="wood:safe", name="x", space="cafe")
            assert refused.status_code == 403, path
    assert set(states(house).values()) == {"expected"}


async def test_sheet_has_room_for_people_who_are_not_on_the_list(osh: Officer) -> None:
    await opened(osh)
    page = await osh.page("/muster/sheet?left=1")
    assert all(name in page for name in NAMES), "a sheet has everybody"
    assert page.count("People who are not on the list") == 2


async def test_program_marks_a_space_and_enters_a_visitor(site: Site, house: House) -> None:
    header = await program(site, Role.OSH)
    opened_id = (await site.client.post("/api/v1/muster", headers=header, json={"kind": "alarm"})).json()[
        "id"
    ]
    address = f"/api/v1/muster/{opened_id}"

    marked = await site.client.post(f"{address}/spaces/wood/safe", headers=header)
    assert (marked.status_code, marked.json()["people"]) == (200, 3)
    again = await site.client.post(f"{address}/spaces/wood/safe", headers=header)
    assert again.json()["people"] == 0
    at = {"at": marked.json()["at"]}
    undone = await site.client.post(f"{address}/spaces/wood/undo", headers=header, json=at)
    assert undone.json()["people"] == 3
    visitor = {"name": "Vera", "space_id": "cafe", "state": "safe", "key": str(uuid4())}
    numbers = {
        (await site.client.post(f"{address}/visitors", headers=header, json=visitor)).json()["id"]
        for _ in "ab"
    }
    assert len(numbers) == 1
    now = (await site.client.get("/api/v1/muster", headers=header)).json()["muster"]
    people = [p for zone in now["zones"] for space in zone["spaces"] for p in space["people"]]
    assert [(p["name"], p["state"]) for p in people if p["visitor"]] == [("Vera", "safe")]
    assert (now["people"], now["safe"]) == (5, 1)
    removed = await site.client.delete(f"{address}/visitors/{numbers.pop()}", headers=header)
    assert removed.status_code == 204
    assert house.count("muster_person") == 4
    odd = await site.client.post(
        f"{address}/visitors", headers=header, json=visitor | {"space_id": "nowhere"}
    )
    assert (odd.status_code, odd.json()["type"]) == (422, "urn:hubwell:problem:space-unknown")
