"""Six languages: nothing is missing in a catalogue, and whoever asks is answered in theirs."""

import re
from datetime import UTC, datetime, timedelta
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from zoneinfo import ZoneInfo

import psycopg
import pytest
from babel.messages.catalog import Catalog

from hubwell.i18n import negotiate_language, translations_for
from hubwell.vocabulary import LANGUAGES
from hubwell.web.kit.formatting import Formatter
from lanes.database_lane import Database
from lanes.paths import PROJECT
from services.web.running_site import Site, serving
from services.web.sample_hub import ordinary_day

TRANSLATED = [language for language in LANGUAGES if language != "en"]
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def translate() -> ModuleType:
    """Give the program scripts/translate as a module."""
    loader = SourceFileLoader("translate", str(PROJECT / "scripts" / "translate"))
    spec = spec_from_loader("translate", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def texts(translate: ModuleType) -> Catalog:
    """Give every text of the code and the templates."""
    found: Catalog = translate.extract()
    return found


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_missing(translate: ModuleType, texts: Catalog, language: str) -> None:
    assert list(translate.faults(texts, translate.catalogue(language))) == []


def test_texts_of_code_and_templates_are_found(texts: Catalog) -> None:
    assert texts.get("In use") is not None  # web/words.py
    assert texts.get("Skip to content") is not None  # layout.html
    assert texts.get("Room for {n} person") is not None


@pytest.mark.parametrize(
    ("string", "fault"),
    [
        ("", "empty"),
        ("Ciao", "other placeholders"),
        ("Ciao {nome}", "other placeholders"),
        ("Ciao {name}, 100%", "a lone %"),
    ],
)
def test_faulty_translations_are_named(translate: ModuleType, string: str, fault: str) -> None:
    source, catalog = Catalog(), Catalog(locale="it")
    source.add("Hello {name}")
    catalog.add("Hello {name}", string)
    assert list(translate.faults(source, catalog)) == [f"{fault}: 'Hello {{name}}'"]


def test_missing_fuzzy_and_too_few_forms_are_named(translate: ModuleType) -> None:
    source, catalog = Catalog(), Catalog(locale="lv")
    source.add("absent")
    source.add("guessed")
    source.add(("{n} day", "{n} days"))
    catalog.add("guessed", "minēts", flags=["fuzzy"])
    catalog.add(("{n} day", "{n} days"), ("{n} diena", "{n} dienas"))
    found = set(translate.faults(source, catalog))
    assert found == {"missing: 'absent'", "fuzzy: 'guessed'", "2 forms: '{n} day'"}


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("fi", "fi"),
        ("et-EE,et;q=0.9,en;q=0.8", "et"),
        ("de-DE,de;q=0.9,nl;q=0.4,en;q=0.3", "nl"),
        ("en;q=0.2, lv;q=0.7", "lv"),
        ("fi;q=0, it;q=0.1", "it"),
        ("sv", None),
        ("", None),
        ("fi;q=much", None),
        ("*", None),
    ],
)
def test_browsers_wish_is_understood(header: str, language: str | None) -> None:
    assert negotiate_language(header) == language


@pytest.mark.parametrize(
    ("language", "day", "number"),
    [
        ("en", "Mon 23 Nov", "21.5"),
        ("it", "lun 23 nov", "21,5"),
        ("fi", "ma 23.11.", "21,5"),
        ("et", "E, 23. nov", "21,5"),
        ("lv", "pirmd., 23. nov.", "21,5"),
        ("nl", "ma 23 nov", "21,5"),
    ],
)
def test_days_and_numbers_are_written_as_the_language_does(language: str, day: str, number: str) -> None:
    words = Formatter(translations_for(language), ZoneInfo("Europe/Helsinki"), NOON, language)
    assert (words.day(NOON), words.number(21.5, ".1f")) == (day, number)
    assert str(NOON.year + 1) in words.clock(NOON + timedelta(days=365))


def _lang(page: str) -> str:
    found = re.search(r'<html lang="(\w+)">', page)
    assert found is not None
    return found[1]


async def test_page_speaks_what_the_browser_wishes(database: Database) -> None:
    async with serving(database) as site:
        for language in LANGUAGES:
            answer = await site.client.get("/", headers={"accept-language": language})
            assert _lang(answer.text) == language
            assert answer.headers["vary"].startswith("Accept-Language, Cookie")
            assert "private" in answer.headers["cache-control"]
        assert _lang((await site.client.get("/", headers={"accept-language": "sv"})).text) == "en"
        missing = await site.client.get("/nowhere", headers={"accept": "text/html", "accept-language": "fi"})
        assert _lang(missing.text) == "fi"


async def test_switch_is_kept_and_leads_back(database: Database) -> None:
    async with serving(database) as site:
        page = await site.client.get("/devices?a=1&b=2")
        assert '/language?to=lv&amp;next=/devices%3Fa%3D1%26b%3D2"' in page.text
        answer = await site.client.get("/language?to=lv&next=/devices%3Fa%3D1%26b%3D2")
        assert (answer.status_code, answer.headers["location"]) == (303, "/devices?a=1&b=2")
        assert _lang((await site.client.get("/", headers={"accept-language": "fi"})).text) == "lv"


@pytest.mark.parametrize("address", ["//elsewhere.example/", "https://a.example", "/\\elsewhere", "x"])
async def test_switch_leads_nowhere_else(database: Database, address: str) -> None:
    async with serving(database) as site:
        answer = await site.client.get("/language", params={"to": "klingon", "next": address})
        assert (answer.headers["location"], answer.headers.get("set-cookie")) == ("/", None)


async def test_pieces_come_in_the_language_of_their_page(database: Database) -> None:
    with psycopg.connect(database.url, autocommit=True) as conn:
        ordinary_day(conn, database.url)
    async with serving(database) as site:
        assert "21.5 " in await _first_card(site, "en")
        assert "21,5 " in await _first_card(site, "nl")
        answer = await site.client.get("/plots?language=nl")
        assert answer.status_code == 200


async def _first_card(site: Site, language: str) -> str:
    async with site.client.stream("GET", f"/live?language={language}") as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:") and "html" in line:
                return line
    raise AssertionError("the stream ended without a card")
