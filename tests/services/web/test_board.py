"""The pages as a server sends them: whole without JavaScript, honest, small."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from lanes.database_lane import Database
from services.web.running_site import Site, away, serving
from services.web.sample_hub import Hub

HTML = {"accept": "text/html"}


def _row(page: str, space: str) -> str:
    found = re.search(rf'<li class="row" id="space-{space}".*?</li>', page, re.DOTALL)
    assert found is not None, space
    return found[0]


def _words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


async def _page(site: Site, path: str = "/") -> str:
    answer = await site.client.get(path, headers=HTML)
    assert answer.status_code == 200
    return answer.text


async def test_board_sums_up_and_groups_by_kind(site: Site) -> None:
    page = await _page(site)

    assert "4 of 9 spaces are free" in page
    assert "It is not known whether 1 space is free." in page
    assert re.findall(r'<h2 id="kind-\w+">(\w+)', page) == ["Workshops", "Collaboration", "Relaxation"]


async def test_card_says_state_people_air_noise_and_age(site: Site) -> None:
    page = await _page(site)

    card = _words(_row(page, "commons"))
    # Twenty-three, rounded down, in the newest closed window.
    assert re.search(
        r"In use About half full: 20 people between [\w, ]{0,20}\d\d:\d[05] and [\w, ]{0,20}\d\d:\d[05]\.",
        card,
    )
    assert "Fresh air 880 ppm" in card
    assert "Some talk 57 dB" in card
    assert "22.0 °C" in card
    assert "eard" not in card  # an age is for what is stale
    assert "#shape-used" in _row(page, "commons")


async def test_small_groups_are_words_and_never_a_number(site: Site) -> None:
    card = _words(_row(await _page(site), "electronics"))

    assert "In use Somebody is here." in card
    assert "people" not in card


async def test_silence_is_unknown_and_never_green(site: Site) -> None:
    card = _row(await _page(site), "library")

    assert re.search(r"Not known Sensor silent since [\w, ]{0,20}\b\d\d:\d\d\.", _words(card))
    assert "Air not known" in card
    assert re.search(r"Last heard .*\d\d:\d\d", card)
    assert "state unknown" in card
    assert "fresh" not in card
    assert "#shape-free" not in card


async def test_open_alert_says_what_since_when_what_to_do_and_why(site: Site) -> None:
    card = _words(_row(await _page(site), "wood-workshop"))

    assert re.search(
        r"The air needs changing\. Since [\w, ]{0,20}\b\d\d:\d\d\. Open two windows for about ten minutes\.",
        card,
    )
    assert "Rule co2-asr-a3.6, version 1. ASR A3.6 (Lüftung) section 4.2" in card


async def test_small_plot_states_its_finding_and_shows_the_rule_and_the_gap(site: Site) -> None:
    row = _row(await _page(site), "metal-workshop")

    label = re.search(r'<svg viewBox="0 0 96 28" role="img" aria-label="([^"]+)"', row)
    assert label is not None
    assert label[1].startswith("CO₂ in Metal workshop. CO₂ stayed below 1000 ppm in the last 24 hours.")
    assert 'class="limit"' in row
    line = re.search(r'class="curve" d="([^"]+)"', row)
    assert line is not None
    assert line[1].count("M") == 2  # a gap is a gap


async def test_free_spaces_come_first_in_their_group(site: Site) -> None:
    page = await _page(site)

    assert re.findall(r'<li class="row" id="space-([a-z-]+)"', page) == [
        *("metal-workshop", "electronics", "wood-workshop"),
        *("studio", "project-room", "commons"),
        *("quiet-room", "cafe", "library"),
    ]


async def test_silent_sensors_are_counted_under_the_title(site: Site) -> None:
    assert '<a href="/devices">1 sensor is silent</a>' in await _page(site)


async def test_board_as_a_table_says_the_same(site: Site) -> None:
    page = await _page(site, "/?view=table&people=7")
    words = _words(page)

    assert re.search(r"Wood workshop Ground floor, north In use About a third full: 5 people between", words)
    assert "Stuffy air 1180 ppm" in words
    assert "The air needs changing. Since" in words
    assert 'id="space-quiet-room" data-rank="0" data-group="2" data-place="7" hidden' in page  # room for six
    assert re.findall(r'<a href="([^"]+)"( aria-current="true")?>(?:Rows|Table)', page) == [
        ("/?people=7&amp;view=rows", ""),
        ("/?people=7&amp;view=table", ' aria-current="true"'),
    ]


async def test_form_filters_and_answers_without_a_script(site: Site) -> None:
    page = await _page(site, "/?people=7&quiet=1&fresh=1&kind=collaboration&find=1")
    words = _words(page)

    assert "Go to Media studio" in words
    assert "It is free. It is quiet there: 32 dB. The air is fresh: 470 ppm. Room for 8 people." in words
    assert "Project room" in words[words.index("Or ") :]
    hidden = set(re.findall(r'id="space-([a-z-]+)"[^>]* hidden>', page))
    assert hidden == {
        *("wood-workshop", "metal-workshop", "electronics", "commons", "quiet-room", "cafe", "library"),
    }
    assert 'name="people" type="number" inputmode="numeric" min="1" max="500" value="7"' in page


async def test_nothing_that_fits_is_an_answer_too(site: Site) -> None:
    assert "No space matches right now" in _words(await _page(site, "/?people=200&find=1"))


async def test_form_takes_whatever_a_person_types(site: Site) -> None:
    for query in ("people=", "people=many", "people=-3", "kind=cellar", "people=99999999999&quiet=&find=1"):
        await _page(site, f"/?{query}")


async def test_empty_hub_says_what_to_do_next(bare_site: Site) -> None:
    words = _words(await _page(bare_site))

    assert "No spaces yet" in words
    assert "Administrators and facilities staff add them in the browser" in words
    assert "hubwell device add" in _words(await _page(bare_site, "/devices"))


async def test_devices_page_begins_with_who_is_silent(site: Site) -> None:
    words = _words(await _page(site, "/devices"))

    assert "1 device is silent" in words
    assert words.index("library-1") < words.index("cafe-1")
    assert re.search(
        r"library-1 hubwell-edge 0\.1\.0 Reading corner Silent since [\w, ]{0,20}\b\d\d:\d\d", words
    )


async def test_alerts_page_says_who_knows_and_what_ended(site: Site) -> None:
    words = _words(await _page(site, "/alerts"))

    assert "1 alert is open" in words
    assert re.search(r"The board was notified at [\w, ]{0,20}\b\d\d:\d\d", words)
    assert "The air needed changing. From" in words


async def test_alerts_name_the_space_in_the_readers_language(hub: Hub, site: Site) -> None:
    hub.conn.execute("""UPDATE space SET names = '{"it": "Falegnameria"}' WHERE id = 'wood-workshop'""")

    answer = await site.client.get("/alerts", headers=HTML | {"accept-language": "it"})

    assert ">Falegnameria</a>" in answer.text


async def test_texts_from_the_database_are_only_text(hub: Hub, site: Site) -> None:
    hub.conn.execute("UPDATE space SET name = %s WHERE id = 'cafe'", ('<script>alert(1)</script> & "x"',))

    assert "<script>alert" not in await _page(site)


async def test_first_view_is_small_without_its_plots(site: Site) -> None:
    page = await _page(site)
    assets = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
    size = len(re.sub(r"<figure.*?</figure>", "", page, flags=re.DOTALL).encode())
    for asset in assets:
        answer = await site.client.get(asset)
        assert "immutable" in answer.headers["cache-control"]
        size += len(answer.content)

    assert len(assets) == 8
    assert size < 100_000
    script = next(asset for asset in assets if ".js" in asset)
    assert len((await site.client.get(script)).content) < 6_000


async def test_database_away_is_a_page_that_says_what_to_do(site: Site) -> None:
    with away(site.database):
        answer = await site.client.get("/", headers=HTML)

    assert answer.status_code == 503
    assert "The board cannot be shown right now" in answer.text
    assert "hubwell doctor" in answer.text


async def test_missing_page_is_a_page(site: Site) -> None:
    answer = await site.client.get("/no-such-page", headers=HTML)

    assert (answer.status_code, "There is no such page" in answer.text) == (404, True)


async def test_times_are_in_the_hubs_zone(hub: Hub, database: Database) -> None:
    at = datetime.now(UTC) - timedelta(hours=30)
    hub.conn.execute("UPDATE episode SET opened_at = %s WHERE resolved_at IS NULL", (at,))
    async with serving(database) as site:
        words = _words(await _page(site))

    local = at.astimezone(ZoneInfo("Europe/Helsinki"))
    assert f"Since {local:%a} {local.day} {local:%b}, {local:%H:%M}." in words
