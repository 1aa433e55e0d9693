"""The first start and Getting started: from the setup link to a hub that says what it is called."""

import hashlib
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Final

import httpx
import psycopg
import pytest

from hubwell.hub_profile import actions
from hubwell.spaces import demo
from hubwell.vocabulary import Role
from lanes.database_lane import Database
from services.access.running_app import PASSWORD, House, open_house, send

CODE: Final = "a code of the terminal"
ACCOUNT: Final = {"code": CODE, "login": "ida", "name": "Ida", "password": PASSWORD}
HUB: Final = {
    "hub_name": "Kallio Makers",
    "zone": "Europe/Riga",
    "language": "fi",
    "colour_of": "own",
    "colour": "#0B6E4F",
    "assembly_point": "Behind the oak",
    "privacy_contact": "Maija, 040 123",
}
STEPS: Final = ["spaces", "device", "reader", "second_admin", "privacy_contact", "restore", "grafana"]


@pytest.fixture
async def fresh(database: Database) -> AsyncIterator[House]:
    """Give a hub whose installation leaves everything to the browser."""
    digest = hashlib.sha256(CODE.encode()).hexdigest()
    async with open_house(database, hub_name=None, setup_hash=digest) as house:
        yield house


async def admin_of(house: House) -> httpx.AsyncClient:
    return await house.signed_in("ida", Role.ADMIN)


async def ticks(browser: httpx.AsyncClient) -> list[bool]:
    page = (await browser.get("/start")).text
    rows = re.findall(r"<li( class=\"done\")?>\s*<svg", page)
    assert len(rows) == len(STEPS)
    return [bool(row) for row in rows]


async def test_first_start_names_the_hub_and_leads_to_getting_started(fresh: House) -> None:
    browser = fresh.browser()
    page = await browser.get("/setup", params={"code": CODE})
    assert page.status_code == 200
    for name in (*HUB, "roles"):
        assert f'name="{name}"' in page.text, name

    answer = await browser.post("/setup", data=ACCOUNT | HUB | {"roles": ["staff", "osh", "admin"]})

    assert (answer.status_code, answer.headers["location"]) == (303, "/start")
    start = (await browser.get("/start", headers={"accept-language": "en"})).text
    assert "Getting started · Kallio Makers" in start
    assert 'data-zone="Europe/Riga"' in start
    assert "/hub.css?v=0b6e4f" in start
    assert (
        await fresh.value("SELECT string_agg(role, ' ' ORDER BY role) FROM account_role") == "admin osh staff"
    )
    assert (fresh.settings.language, fresh.settings.assembly_point) == ("fi", "Behind the oak")
    assert "Maija, 040 123" in (await fresh.browser().get("/privacy")).text
    assert 'lang="fi"' in (await fresh.browser().get("/")).text


async def test_all_mistakes_of_the_first_start_are_named_at_once(fresh: House) -> None:
    wrong = HUB | {"hub_name": " ", "zone": "Europe/Helsinky", "colour": "#ffff00", "language": "xx"}

    answer = await fresh.browser().post("/setup", data=ACCOUNT | wrong | {"login": "", "password": "short"})

    assert answer.status_code == 422
    for field in ("login", "password", "hub_name", "zone", "colour", "language"):
        assert f'href="#{field}"' in answer.text, field
    assert "Did you mean Europe/Helsinki?" in answer.text
    near = re.search(r"nearest colour that can be read is (#[0-9a-f]{6})", answer.text)
    assert near is not None
    assert 'value="Europe/Helsinky"' in answer.text
    assert 'value="Behind the oak"' in answer.text
    assert await fresh.value("SELECT count(*) FROM account") == 0
    assert await fresh.value("SELECT count(*) FROM hub_profile") == 0


async def test_change_shows_on_the_next_page_and_in_the_audit_log(fresh: House) -> None:
    admin = await admin_of(fresh)

    answer = await send(admin, "/hub", "/hub", **HUB)

    assert answer.status_code == 303
    page = await fresh.browser(**{"accept-language": "en"}).get("/")
    assert "Kallio Makers</a>" in page.text
    assert "Times are in the zone Europe/Riga" in page.text
    log = (await admin.get("/audit-log", headers={"accept-language": "en"})).text
    assert "What the hub says of itself was changed." in log
    assert "where people gather" in log
    detail = await fresh.value("SELECT detail ->> 'fields' FROM audit_entry WHERE action = 'hub.changed'")
    assert set(re.findall(r"\w+", detail)) == set(HUB) - {"colour_of"}


async def test_form_without_a_change_changes_and_notes_nothing(fresh: House) -> None:
    admin = await admin_of(fresh)
    await send(admin, "/hub", "/hub", **HUB)
    await send(admin, "/hub", "/hub", **HUB)
    assert await fresh.value("SELECT count(*) FROM audit_entry WHERE action = 'hub.changed'") == 1


async def test_what_the_installation_sets_is_shown_so_and_stays(database: Database) -> None:
    async with open_house(database, hub_name="Set there", zone="Europe/Rome") as house:
        admin = await admin_of(house)
        page = (await admin.get("/hub")).text
        assert "Set by the installation (HUBWELL_ZONE)" in page
        assert 'name="zone"' not in page
        assert 'name="hub_name"' not in page

        refused = await send(admin, "/hub", "/hub", zone="Europe/Riga", language="it")

        assert refused.status_code == 422
        assert "HUBWELL_ZONE" in refused.text
        assert house.settings.zone == "Europe/Rome"
        assert (await send(admin, "/hub", "/hub", language="it")).status_code == 303
        assert house.settings.language == "it"


async def test_other_process_follows_within_seconds(database: Database) -> None:
    async with open_house(database, hub_name=None) as one, open_house(database, hub_name=None) as other:
        await send(await admin_of(one), "/hub", "/hub", **HUB)
        for _ in range(100):
            if "Kallio Makers</a>" in (await other.browser().get("/")).text:
                break
        else:
            pytest.fail("the other process still shows the old name")


async def test_next_start_knows_what_was_chosen(database: Database) -> None:
    async with open_house(database, hub_name=None) as house:
        await send(await admin_of(house), "/hub", "/hub", **HUB)
    async with open_house(database, hub_name=None) as house:
        assert "Kallio Makers</a>" in (await house.browser().get("/")).text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("hub_name", "", "Give the hub a name."),
        ("hub_name", "x" * 61, "at most 60 characters"),
        ("zone", "Helsinki", "Did you mean Europe/Helsinki?"),
        ("zone", "Middle Earth/Shire\x00", "There is no time zone"),
        ("zone", "../../etc/passwd", "There is no time zone"),
        ("language", "klingon", "The language of the hub is one of"),
        ("colour", "red", "Write a colour as #"),
        ("assembly_point", "x" * 151, "at most 150 characters"),
        ("privacy_contact", "x" * 301, "at most 300 characters"),
    ],
)
async def test_bad_input_is_named_and_changes_nothing(
    fresh: House, field: str, value: str, said: str
) -> None:
    admin = await admin_of(fresh)

    answer = await send(admin, "/hub", "/hub", **(HUB | {field: value}))

    assert (answer.status_code, f'href="#{field}"' in answer.text) == (422, True)
    assert said in answer.text
    assert await fresh.value("SELECT count(*) FROM hub_profile") == 0


async def test_markup_is_text(fresh: House) -> None:
    admin = await admin_of(fresh)
    await send(admin, "/hub", "/hub", **(HUB | {"hub_name": "<script>alert(1)</script>"}))
    page = (await fresh.browser().get("/")).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_sheet_has_the_colour_for_both_kinds_of_pages(fresh: House) -> None:
    sheet = await fresh.browser().get("/hub.css", params={"v": "0b6e4f"})
    assert sheet.headers["content-type"].startswith("text/css")
    assert "--link:#0b6e4f" in sheet.text
    assert "prefers-color-scheme:dark" in sheet.text
    for wrong in ("", "red", "0b6e4f}body{display:none", "0b6e4f\n"):
        assert (await fresh.browser().get("/hub.css", params={"v": wrong})).status_code == 404


async def test_steps_are_ticked_by_themselves(fresh: House) -> None:
    admin = await admin_of(fresh)
    assert await ticks(admin) == [False] * len(STEPS)

    await fresh.run("INSERT INTO space (id, name, kind, capacity) VALUES ('oak', 'Oak', 'workshop', 4)")
    await fresh.run("INSERT INTO device (id, space_id, name) VALUES ('oak-1', 'oak', '')")
    assert await ticks(admin) == [True, *[False] * 6]
    await fresh.run("UPDATE device SET status = 'online', status_at = now()")
    assert await ticks(admin) == [True, True, *[False] * 5]
    await fresh.run("""UPDATE device SET meta = '{"readers": [{"name": "door"}]}'""")
    assert await ticks(admin) == [*[True] * 3, *[False] * 4]
    await fresh.add("ola", Role.ADMIN)
    assert await ticks(admin) == [*[True] * 4, *[False] * 3]
    await send(admin, "/hub", "/hub", **HUB)
    assert await ticks(admin) == [*[True] * 5, *[False] * 2]
    today = datetime.now(UTC).date().isoformat()
    assert (await send(admin, "/start/restore", "/start/restore", on=today)).status_code == 303
    assert await ticks(admin) == [*[True] * 6, False]
    await send(admin, "/start/grafana", "/start/grafana")
    assert await ticks(admin) == [True] * 7
    assert "Everything is done" in (await admin.get("/start", headers={"accept-language": "en"})).text

    await fresh.run("UPDATE space SET archived_at = now()")
    assert (await ticks(admin))[0] is False
    await send(admin, "/start/grafana/open", "/start/grafana")
    assert (await ticks(admin))[6] is False


async def test_first_session_of_grafana_ticks_its_step(fresh: House, monkeypatch: pytest.MonkeyPatch) -> None:
    admin, now = await admin_of(fresh), datetime.now(UTC)
    async with fresh.connection() as conn:
        await actions.note_grafana(conn, now, fresh.settings)
        assert (await ticks(admin))[6] is False
        monkeypatch.setattr(actions, "GRAFANA_ROLE", conn.info.user)
        await actions.note_grafana(conn, now, fresh.settings)
    monkeypatch.undo()
    assert (await ticks(admin))[6] is True
    assert await fresh.value("SELECT grafana_seen_at FROM hub_profile") == now


async def test_simulated_hub_ticks_nothing(fresh: House) -> None:
    with psycopg.connect(fresh.database.url) as conn:
        demo.seed(conn)
    await fresh.run("UPDATE device SET status = 'online', status_at = now()")
    admin = await admin_of(fresh)
    assert await ticks(admin) == [False] * len(STEPS)
    await fresh.run("UPDATE space SET name = 'Ours' WHERE id = (SELECT min(id) FROM space)")
    assert await ticks(admin) == [True, *[False] * 6]


@pytest.mark.parametrize("day", ["", "tomorrow", "2999-01-01", "0000-00-00", "9999-12-31"])
async def test_restore_of_no_day_is_refused(fresh: House, day: str) -> None:
    admin = await admin_of(fresh)
    answer = await send(admin, "/start/restore", "/start/restore", on=day)
    assert (answer.status_code, 'href="#on"' in answer.text) == (422, True)
    assert (await ticks(admin))[5] is False


@pytest.mark.parametrize("step", ["device", "reader", "restore", "grafana"])
async def test_each_step_has_its_page(fresh: House, step: str) -> None:
    admin = await admin_of(fresh)
    assert (await admin.get(f"/start/{step}")).status_code == 200
    assert (await admin.get("/start/nothing")).status_code == 404
