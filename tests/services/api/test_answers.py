"""What the API answers on a good day, and how it says no."""

from datetime import UTC, datetime, timedelta

import pytest

from services.web.running_site import Site, away
from services.web.sample_hub import Hub

PROBLEM = "application/problem+json"


async def test_spaces_say_what_is_known_and_no_more(site: Site) -> None:
    answer = await site.client.get("/api/v1/spaces")

    spaces = {space["id"]: space for space in answer.json()["spaces"]}
    assert list(spaces)[:3] == ["electronics", "metal-workshop", "wood-workshop"]  # by kind, then by name
    wood = spaces["wood-workshop"]
    assert (wood["state"], wood["people"], wood["air"], wood["co2_ppm"]) == ("used", 5, "stuffy", 1184.0)
    assert wood["people_from"] is not None  # seven, rounded down, of a closed window
    assert wood["alerts"][0]["rule"] == "co2-asr-a3.6"
    assert wood["alerts"][0]["clause"].startswith("ASR A3.6")
    assert (spaces["electronics"]["state"], spaces["electronics"]["people"]) == ("used", None)
    assert spaces["electronics"]["fullness"] is None  # two people are neither a number nor a word
    silent = spaces["library"]
    assert (silent["state"], silent["air"], silent["co2_ppm"]) == ("unknown", "unknown", None)
    assert silent["last_heard"] is not None


async def test_one_space_is_found_by_id(site: Site) -> None:
    answer = await site.client.get("/api/v1/spaces/studio")

    assert answer.json()["name"] == "Media studio"


async def test_readings_come_in_steps_and_a_gap_stays_a_gap(hub: Hub, site: Site) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    minutes = [0, 1, 2, 30]
    values = [(start + timedelta(minutes=minute), 400.0 + minute) for minute in minutes]
    hub.readings("studio-1", "co2", values)
    query = {"from": "2026-03-01T00:00:10Z", "to": "2026-03-01T01:00:00Z", "quantity": "co2"}

    answer = await site.client.get("/api/v1/spaces/studio/readings", params=query)

    found = answer.json()
    assert found["from"] == "2026-03-01T00:00:00Z"
    (series,) = found["series"]
    assert (series["device_id"], series["unit"]) == ("studio-1", "ppm")
    assert series["points"] == [
        {"time": "2026-03-01T00:00:00Z", "mean": 401.0, "min": 400.0, "max": 402.0, "n": 3, "suspect": 0},
        {"time": "2026-03-01T00:30:00Z", "mean": 430.0, "min": 430.0, "max": 430.0, "n": 1, "suspect": 0},
    ]


async def test_raw_readings_are_exact(hub: Hub, site: Site, facilities: dict[str, str]) -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
    hub.reading("studio-1", "temp", 21.37, at)
    query = {
        "from": "2026-03-01T14:00:00+02:00",
        "to": "2026-03-01T12:00:01Z",
        "resolution": "raw",
        "quantity": "temp",
    }

    answer = await site.client.get("/api/v1/spaces/studio/readings", params=query, headers=facilities)

    (series,) = answer.json()["series"]
    assert series["points"] == [{"time": "2026-03-01T12:00:00.123456Z", "value": 21.37, "quality": "ok"}]


async def test_raw_readings_in_doubt_say_so(hub: Hub, site: Site, facilities: dict[str, str]) -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    hub.readings("studio-1", "co2", [(at + timedelta(seconds=n), 0 if n else 600) for n in range(2)])
    hub.conn.execute("UPDATE reading SET quality = suspect() WHERE value = 0 AND time > %s", (at,))
    query = {"from": at.isoformat(), "to": "2026-03-01T13:00:00Z", "resolution": "raw", "quantity": "co2"}

    answer = await site.client.get("/api/v1/spaces/studio/readings", params=query, headers=facilities)

    (series,) = answer.json()["series"]
    assert [(point["value"], point["quality"]) for point in series["points"]] == [
        (600.0, "ok"),
        (0.0, "suspect"),
    ]


async def test_devices_say_who_is_silent_since_when(hub: Hub, site: Site) -> None:
    hub.device("spare-1", None)

    devices = (await site.client.get("/api/v1/devices")).json()["devices"]

    by_id = {device["id"]: device for device in devices}
    assert [device["id"] for device in devices if device["silent"]] == ["library-1", "spare-1"]
    assert devices[0]["silent"]  # those that need somebody come first
    assert by_id["library-1"]["silent_since"] == by_id["library-1"]["last_heard"]
    assert by_id["spare-1"]["last_heard"] is None
    assert by_id["spare-1"]["silent_since"] == by_id["spare-1"]["registered_at"]
    assert by_id["studio-1"]["last_heard"].endswith(("0:00Z", "5:00Z"))  # in steps of five minutes
    assert {"co2", "presence"} <= {series["quantity"] for series in by_id["studio-1"]["series"]}


async def test_alerts_carry_rule_clause_evidence_and_who_knows(site: Site) -> None:
    found = (await site.client.get("/api/v1/alerts")).json()

    (now,), (past,) = found["open"], found["recent"]
    assert (now["space_id"], now["resolved_at"], now["unit"]) == ("wood-workshop", None, "ppm")
    assert now["evidence"]["readings"] == 89
    assert now["deliveries"][0]["channel"] == "board"
    assert past["space_id"] == "cafe"
    assert past["resolved_at"] is not None


async def test_health_is_the_databases_truth(site: Site) -> None:
    answer = await site.client.get("/api/v1/health")

    found = answer.json()
    assert answer.status_code == 200
    assert found["database"]["engine"] == "plain"
    assert found["schema"]["current"] == found["schema"]["needed"]
    assert found["newest_reading"]["age_s"] >= 0
    assert found["deliveries_waiting"] == 0


async def test_metrics_count_in_the_database(site: Site) -> None:
    text = (await site.client.get("/metrics")).text

    assert 'hubwell_messages_total{verdict="stored"} 900.0' in text
    assert "hubwell_devices_silent 1.0" in text
    assert 'hubwell_episodes_open{rule="co2-asr-a3.6"} 1.0' in text
    assert "hubwell_database_up 1.0" in text


@pytest.mark.parametrize(
    ("path", "status", "kind", "field"),
    [
        ("/api/v1/spaces/attic", 404, "not-found", "path.space_id"),
        ("/api/v1/spaces/attic/readings", 404, "not-found", "path.space_id"),
        ("/api/v1/spaces/Attic!", 422, "bad-parameters", "path.space_id"),
        ("/api/v1/spaces/studio/readings?from=yesterday", 422, "bad-parameters", "query.from"),
        ("/api/v1/spaces/studio/readings?from=2026-03-01T00:00:00", 422, "bad-parameters", "query.from"),
        ("/api/v1/spaces/studio/readings?resolution=2h", 422, "bad-parameters", "query.resolution"),
        ("/api/v1/spaces/studio/readings?from=2999-01-01T00:00:00Z", 422, "bad-parameters", "query.from"),
        (
            "/api/v1/spaces/studio/readings?from=2020-01-01T00:00:00Z&resolution=1m",
            422,
            "range-too-large",
            "query.resolution",
        ),
    ],
)
async def test_a_bad_value_is_named_with_what_to_do(
    site: Site, facilities: dict[str, str], path: str, status: int, kind: str, field: str
) -> None:
    answer = await site.client.get(path, headers=facilities)

    problem = answer.json()
    assert answer.status_code == problem["status"] == status
    assert answer.headers["content-type"] == PROBLEM
    assert problem["type"] == f"urn:hubwell:problem:{kind}"
    assert problem["instance"] == path.partition("?")[0]
    assert problem["errors"][0]["field"] == field
    assert all(problem["errors"][0][key] for key in ("value", "problem", "do"))


async def test_value_that_the_database_cannot_hold_is_the_askers_mistake(site: Site) -> None:
    answer = await site.client.get("/api/v1/people?place=Lab%00")

    assert (answer.status_code, answer.headers["content-type"]) == (422, PROBLEM)
    assert answer.json()["type"] == "urn:hubwell:problem:bad-parameters"


async def test_too_many_raw_readings_are_refused_in_words(
    hub: Hub, site: Site, facilities: dict[str, str]
) -> None:
    start = datetime(2026, 3, 1, tzinfo=UTC)
    hub.readings("studio-1", "co2", [(start + timedelta(seconds=number), 500) for number in range(10_001)])
    query = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z", "resolution": "raw"}

    answer = await site.client.get("/api/v1/spaces/studio/readings", params=query, headers=facilities)

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:hubwell:problem:range-too-large"
    assert "5m" in answer.json()["errors"][0]["do"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("GET", "/static/nothing.js", 404), ("POST", "/api/v1/spaces", 405)],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    site: Site, method: str, path: str, status: int
) -> None:
    answer = await site.client.request(method, path)

    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["status"] == status


async def test_a_mistake_of_ours_is_a_problem_without_a_trace(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubwell.api.live_state.devices", None)

    answer = await site.client.get("/api/v1/devices")

    assert (answer.status_code, answer.headers["content-type"]) == (500, PROBLEM)
    assert "Traceback" not in answer.text
    assert "content-security-policy" in answer.headers


async def test_database_away_is_a_problem_and_comes_back_by_itself(site: Site) -> None:
    assert (await site.client.get("/api/v1/spaces")).status_code == 200
    with away(site.database):
        for path in ("/api/v1/spaces", "/api/v1/health", "/api/v1/devices"):
            answer = await site.client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
            assert answer.json()["type"] == "urn:hubwell:problem:database-away"
            assert answer.headers["retry-after"] == "5"
        metrics = await site.client.get("/metrics")
        assert "hubwell_database_up 0.0" in metrics.text

    assert (await site.client.get("/api/v1/spaces")).status_code == 200


async def test_database_without_tables_says_what_to_run(hub: Hub, site: Site) -> None:
    hub.conn.execute("DROP VIEW space_now CASCADE")
    hub.conn.execute("DELETE FROM schema_migration")

    spaces = await site.client.get("/api/v1/spaces")
    health = await site.client.get("/api/v1/health")

    assert {spaces.status_code, health.status_code} == {503}
    assert spaces.json()["type"] == health.json()["type"] == "urn:hubwell:problem:database-not-migrated"
    assert "hubwell migrate" in spaces.json()["detail"]


async def test_every_answer_forbids_what_it_does_not_need(site: Site) -> None:
    for path in ("/", "/api/v1/spaces", "/metrics", "/nothing"):
        headers = (await site.client.get(path)).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
