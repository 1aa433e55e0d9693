"""The privacy pages: they tell what the hub really collects, to whom it is meant for, in every language."""

import itertools
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from gettext import NullTranslations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import hubwell
from feed.ingest_setup import device_in
from hubwell.audit import log
from hubwell.privacy import retention
from hubwell.vocabulary import LANGUAGES, Role
from hubwell.web.kit.formatting import Formatter
from hubwell.web.privacy import audit_text
from lanes.database_lane import Database
from services.access.running_app import House, open_house
from services.web.staffed_hub import text_of

ADMIN_PAGES = ["/privacy/retention", "/privacy/dpia", "/privacy/record", "/audit-log"]
DOWNLOADS = ["/privacy/dpia.md", "/privacy/dpia.json", "/privacy/record.md", "/privacy/record.json"]


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with open_house(database) as opened:
        yield opened


async def with_reader(house: House) -> None:
    device_in(house.database.url, "lab")
    meta = {"readers": [{"name": "door", "driver": "pn532"}, {"name": "kiosk", "driver": "pcsc"}]}
    await house.run("UPDATE device SET meta = %s", json.dumps(meta))
    await house.run("INSERT INTO reader VALUES ('lab-pi', 'kiosk', 'kiosk')")


async def with_series(house: House, *quantities: str) -> None:
    for quantity in quantities:
        await house.run(
            "INSERT INTO series (device_id, name, quantity, unit) VALUES ('lab-pi', %s, %s, 'x')",
            f"sim/{quantity}",
            quantity,
        )


async def notice(house: House) -> str:
    page = await house.browser().get("/privacy")
    assert page.status_code == 200
    return text_of(page)


async def test_notice_tells_what_is_there_and_nothing_else(house: House) -> None:
    empty = await notice(house)
    assert "There are no badge readers here: no visits are stored." in empty
    assert "No sound is recorded" not in empty
    assert "Each tap of a badge" not in empty
    assert "Show my visits" not in empty

    await with_reader(house)
    await with_series(house, "co2", "noise")
    full = await notice(house)
    assert "When you hold a badge to a reader" in full
    assert "Sensors in the spaces measure: CO₂, Noise. They know no persons." in full
    assert "No sound is recorded" in full
    assert "Each tap of a badge 3 days" in full
    assert "Visits: space, begin and end 90 days after the end" in full
    assert "Codes from the kiosk At most 10 minutes" in full
    assert "Scrambled marks of badges that were erased At most 14 days" in full
    assert "Names on the list of an evacuation Until the evacuation is closed" in full
    assert "A badge that is not registered gets a message about it, and nothing is stored." in full
    assert "Show my visits" in full


async def test_notice_follows_the_settings(database: Database) -> None:
    settings: dict[str, Any] = {
        "retention": {"visit": "30d", "desk-tap": "5min"},
        "unknown_badges": "count",
        "privacy_contact": "Data office, room 12, data@example.org",
        "privacy_basis": "Public task of the school under its statute.",
        "privacy_controller": "The example school",
    }
    async with open_house(database, **settings) as house:
        empty = await notice(house)
        assert "The hub has not" not in empty
        await with_reader(house)
        page = await notice(house)
    assert "Visits: space, begin and end 30 days after the end" in page
    assert "A tap at the desk that waits to be registered 5 minutes" in page
    assert "is counted without a name" in page
    for text in ("Data office, room 12", "Public task of the school", "Responsible: The example school"):
        assert text in page


async def test_notice_has_the_tabs_of_administrators_and_of_nobody_else(house: House) -> None:
    admin, staff = await house.signed_in("admin", Role.ADMIN), await house.signed_in("staff", Role.STAFF)

    tabs = (await admin.get("/privacy")).text.partition("<main")[2]
    assert tabs.index('href="/privacy/retention"') < tabs.index("What is collected")
    assert '<a href="/privacy" aria-current="page"' in tabs
    for client in (staff, house.browser()):
        assert "/privacy/retention" not in (await client.get("/privacy")).text


async def audit_entries(house: House) -> tuple[str, str]:
    """Write a few entries; return the ids of the account and the person in them."""
    account = await house.add("olga", Role.OSH)
    person, muster = "00000000-1111-2222-3333-444444444444", "99999999-1111-2222-3333-444444444444"
    async with house.connection() as conn:
        for actor, action, subject, detail in (
            (f"account:{account}", "muster.opened", f"muster:{muster}", {"kind": "drill"}),
            (f"account:{account}", "badge.enrolled", f"person:{person}", {"credential": 7, "new": True}),
            ("cli", "space.archived", "space:lab", {}),
            ("cli", "account.roles-changed", f"account:{account}", {"roles": ["osh", "admin"]}),
            ("ingest", "kiosk.refused", "device:foyer-1", {"why": "too-many"}),
            ("worker", "audit-log.trimmed", "", {"upto": 3}),
        ):
            await log.record(conn, actor=actor, action=action, subject=subject, detail=detail)
        await conn.execute(
            "UPDATE audit_entry SET at = now() - interval '3 days' WHERE action LIKE 'muster.%'"
        )
    return str(account), person


async def test_audit_log_is_sentences_with_people_by_login(house: House) -> None:
    _, person = await audit_entries(house)
    admin = await house.signed_in("admin", Role.ADMIN)

    page = text_of(await admin.get("/audit-log"))

    assert "olga An evacuation or a drill was started. Drill" in page
    assert "olga A badge was enrolled. Person 00000000 a new person; badge 7" in page
    assert "The command line A space was archived. lab" in page
    assert "The command line The roles of an account were changed. olga Administrator, Safety at work" in page
    assert (
        "The service that stores messages A kiosk was refused codes of people. foyer-1 too many codes" in page
    )
    assert "The timetable The oldest entries were deleted at the end of their term. up to entry 3" in page
    assert person not in page


async def test_audit_log_is_filtered_by_area_actor_and_day(house: House) -> None:
    account, _ = await audit_entries(house)
    admin = await house.signed_in("admin", Role.ADMIN)
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()

    async def shown(**query: str) -> list[str]:
        page = text_of(await admin.get("/audit-log", params=query))
        table = page.partition("once the person is erased.")[2]
        words = ("started", "enrolled", "archived", "oldest")
        return [word for word in words if word in table]

    assert await shown() == ["started", "enrolled", "archived", "oldest"]
    assert await shown(area="evacuations") == ["started"]
    assert await shown(area="spaces") == ["archived"]
    assert await shown(area="log") == ["oldest"]
    assert "foyer-1" in text_of(await admin.get("/audit-log", params={"area": "spaces"}))
    assert await shown(who=f"account:{account}") == ["started", "enrolled"]
    assert await shown(who=f"account:{account}", area="people") == ["enrolled"]
    assert await shown(day=day) == ["started"]
    assert await shown(day=day, area="people") == []
    assert "Nothing in the log matches." in text_of(
        await admin.get("/audit-log", params={"who": "cli", "area": "log"})
    )
    for odd in ({"day": "soon"}, {"day": "9999-12-31"}, {"day": "0001-01-01"}, {"area": "all"}, {"day": ""}):
        assert await shown(**odd) == ["started", "enrolled", "archived", "oldest"], odd


def test_every_action_that_the_code_records_has_its_sentence() -> None:
    words = Formatter(NullTranslations(), ZoneInfo("UTC"), datetime.now(UTC))
    first_words = "|".join(itertools.chain(*audit_text.AREAS.values()))
    recorded = set()
    for module in Path(hubwell.__file__).parent.rglob("*.py"):
        if module.name != "audit_text.py":
            recorded.update(
                re.findall(rf'"((?:{first_words})\.[a-z-]+)(?<!\.pub)(?<!\.example)"', module.read_text())
            )
    assert {"muster.ticked", "account.added", "keys.rotated", "demo.removed", "kiosk.refused"} <= recorded
    assert recorded - set(audit_text._sentences(words)) == set()


async def test_notice_says_what_the_site_has_not_filled_in(house: House) -> None:
    page = await notice(house)
    assert "The hub has not written it down here yet." in page
    assert "The hub has not named a contact here yet." in page


async def test_every_class_of_data_has_its_words_in_every_language(house: House) -> None:
    await with_reader(house)
    client = house.browser()
    for language in LANGUAGES:
        page = await client.get("/privacy", headers={"accept-language": language})
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        rows = page.text.count('scope="row"')
        assert rows >= len(retention.TERMS) + 5


async def test_pages_of_those_in_charge_are_for_administrators(house: House) -> None:
    others = [await house.signed_in(role.value, role) for role in Role if role is not Role.ADMIN]
    admin = await house.signed_in("admin", Role.ADMIN)
    for path in ADMIN_PAGES + DOWNLOADS:
        assert (await admin.get(path)).status_code == 200, path
        assert [(await client.get(path)).status_code for client in others] == [403] * len(others), path
        assert (await house.browser().get(path)).status_code == 303
    assert "/privacy/retention" in (await admin.get("/privacy")).text
    assert "/privacy/retention" not in (await others[0].get("/privacy")).text


async def test_retention_page_shows_rules_and_proofs(house: House) -> None:
    await with_reader(house)
    async with house.connection() as conn, conn.transaction():
        await retention.run(conn, datetime.now(UTC), house.settings)
    await house.run("INSERT INTO deletion (class, why, rows, left_over) VALUES ('person', 'erasure', 12, 0)")
    admin = await house.signed_in("admin", Role.ADMIN)
    page = text_of(await admin.get("/privacy/retention"))
    assert "Visits: space, begin and end visit 90 days after the end" in page
    assert "person Erased on request 12 0" in page
    assert "None yet" in page  # readings stay until told otherwise


async def test_audit_log_page_tells_that_it_was_changed(house: House) -> None:
    async with house.connection() as conn:
        for _ in range(3):
            async with conn.transaction():
                await log.record(conn, actor="cli", action="person.enrolled")
    admin = await house.signed_in("admin", Role.ADMIN)
    assert "The audit log is intact" in text_of(await admin.get("/audit-log"))
    await house.run("UPDATE audit_entry SET action = 'person.changed' WHERE id = 2")
    page = text_of(await admin.get("/audit-log"))
    assert "The audit log is broken at entry 2" in page
    assert "its content was changed after it was written" in page


async def test_documents_are_made_from_the_configuration(house: House) -> None:
    await with_reader(house)
    await with_series(house, "co2", "presence")
    await house.run("UPDATE space SET personal = true")
    await house.run("INSERT INTO person (kind, name) VALUES ('enrolled', 'Wilhelmiina'), ('enrolled', '')")
    admin = await house.signed_in("admin", Role.ADMIN)

    dpia = json.loads((await admin.get("/privacy/dpia.json")).text)
    sections = {section["title"]: section for section in dpia["sections"]}
    processing = {row["What"]: row["In this hub"] for row in sections["The processing"]["table"]}
    assert processing["Measured"] == "co2, presence"
    assert processing["Badge readers"] == "1 for kiosk, 1 for space"
    assert processing["Spaces"] == "1, of which 1 are one person's room"
    assert processing["People in the register"] == "fewer than 100"
    assert processing["Deleted: visit"] == "after 90 days"
    assert processing["Deleted: code"] == "when it ends"
    criteria = {
        row["Criterion"]: row["Applies"] for row in sections["Criteria that ask for an assessment"]["table"]
    }
    assert criteria["Systematic monitoring"] == "yes"
    assert criteria["Vulnerable people"].startswith("[FILL IN")

    record = await admin.get("/privacy/record.md")
    assert record.headers["content-type"] == "text/markdown; charset=utf-8"
    assert "| Presence |" in record.text
    assert "[FILL IN: name, address, telephone]" in record.text
    assert "1 of 2 entries have no name" in record.text
    both = record.text + json.dumps(dpia)
    assert "Wilhelmiina" not in both
    page = text_of(await admin.get("/privacy/record"))
    assert "Register of badges" in page


async def test_record_names_the_webhook_by_its_host_only(database: Database) -> None:
    async with open_house(database, webhook_url="https://alerts.example.org/secret-path") as house:
        admin = await house.signed_in("admin", Role.ADMIN)
        text = (await admin.get("/privacy/record.md")).text
    assert "Alerts go to alerts.example.org." in text
    assert "secret-path" not in text
